//! `kitbag programme`, `invite`, `join`, `approve`, `revoke`, `leave`, `members`: who belongs.

use crate::device::{StoreArguments, hub_of, sync, team_of};
use crate::{Failure, failure, wrong_file};
use clap::ValueEnum;
use data_encoding::BASE32_NOPAD;
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, EngineError, Invitation, JoinRequest};
use kitbag_core::identity::{HubAddress, Role};
use kitbag_core::model::{EntryId, TeamId};
use kitbag_core::net::NetError;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long to wait for the other side: as long as an invitation holds.
const WAIT: Duration = Duration::from_secs(10 * 60);
const POLL: Duration = Duration::from_millis(700);

#[derive(Clone, Copy, ValueEnum)]
pub enum InvitedRole {
    Worker,
    Coordinator,
    Observer,
}

impl From<InvitedRole> for Role {
    fn from(role: InvitedRole) -> Self {
        match role {
            InvitedRole::Worker => Role::Worker,
            InvitedRole::Coordinator => Role::Coordinator,
            InvitedRole::Observer => Role::Observer,
        }
    }
}

#[derive(clap::Args)]
pub struct InviteArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The team; needed where this device is in several, or is the root's
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// What the device may do; coordinators are invited by the root
    #[arg(long, value_enum, default_value_t = InvitedRole::Worker)]
    role: InvitedRole,
    /// Wait for the device, and ask for the code on its screen
    #[arg(long)]
    wait: bool,
    /// Print the invitation's text alone, without the picture
    #[arg(long)]
    text_only: bool,
}

#[derive(clap::Args)]
pub struct ApproveArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The six digits on the new device's screen
    #[arg(value_name = "CODE")]
    code: String,
}

#[derive(clap::Args)]
pub struct JoinArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// `-` reads the invitation's text from standard input; asked for on a terminal otherwise. It is never
    /// taken from the command line, where others on this machine could read it
    #[arg(value_name = "-")]
    invitation: Option<String>,
}

#[derive(clap::Args)]
pub struct CertificateArguments {
    #[command(flatten)]
    pub store: StoreArguments,
    /// The certificate, as `kitbag members` prints it; its first digits are enough
    #[arg(value_name = "CERTIFICATE")]
    pub certificate: String,
    /// The team
    #[arg(long, value_name = "ID")]
    pub team: Option<TeamId>,
}

#[derive(clap::Args)]
pub struct TeamArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The team; needed where this device is in several
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
}

#[derive(clap::Args)]
pub struct MembersArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The team; needed where this device is in several
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// One JSON object a line: certificate, device, role, revoked
    #[arg(long)]
    json: bool,
}

pub fn invite(arguments: &InviteArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let team = match arguments.team {
        Some(team) => team,
        None => team_of(&engine, None)?,
    };
    // The hub must know by which certificate this device invites.
    sync(&mut engine, None, |_| {})?;
    let hub = hub_of(&engine)?;
    let client = BlockingHubClient::to(&engine, &hub)?;
    let invitation = engine.invite(&hub, team, arguments.role.into())?;
    client.post(&path_of(&invitation, ""), Vec::new())?;
    let text = invitation.to_string();
    if !arguments.text_only {
        tell!("{}", picture(&text)?);
        tell!("Show this to the new device within ten minutes, or give it this text:");
    }
    say!("{text}");
    match arguments.wait {
        true => wait_and_approve(&mut engine, &client, &invitation),
        false => {
            tell!("Then: kitbag approve CODE, with the six digits that the new device shows.");
            Ok(())
        }
    }
}

fn wait_and_approve(
    engine: &mut Engine,
    client: &BlockingHubClient,
    invitation: &Invitation,
) -> Result<(), Failure> {
    let asked = wait_for(client, &path_of(invitation, ""))?;
    let request = invitation.read_request(&asked).map_err(|_| not_the_device())?;
    eprint!("A device asks to join. The six digits on its screen: ");
    std::io::stderr().flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    approve_request(engine, client, invitation, &request, &typed)
}

fn not_the_device() -> Failure {
    failure(
        "the request",
        "does not prove the invitation; it was not made by a device that saw it. Make a new one",
    )
}

fn approve_request(
    engine: &mut Engine,
    client: &BlockingHubClient,
    invitation: &Invitation,
    request: &JoinRequest,
    typed: &str,
) -> Result<(), Failure> {
    let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
    if typed != request.code {
        return Err(failure(
            "the code",
            "is not the one of the device that asked: somebody else may have seen the invitation. \
             Nobody was let in; make a new invitation",
        ));
    }
    let reply = engine.approve(invitation, request)?;
    // The certificate first, so that the hub knows the device when it comes.
    sync(engine, None, |_| {})?;
    let path = path_of(invitation, "/reply");
    patiently(|| client.post(&path, reply.clone())).map_err(|error| {
        failure("the answer", format!("{error}; it is kept: approve the same code again"))
    })?;
    engine.forget_invitation(&invitation.id())?;
    tell!("The device is a member now.");
    Ok(())
}

pub fn approve(arguments: &ApproveArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let client = BlockingHubClient::to(&engine, &hub_of(&engine)?)?;
    let typed: String = arguments.code.chars().filter(char::is_ascii_digit).collect();
    let mut open = 0;
    for id in engine.kept_invitations()? {
        let Some(invitation) = engine.kept_invitation(&id)? else { continue };
        open += 1;
        let asked = match client.get(&path_of(&invitation, "")) {
            Ok(asked) => asked,
            // The hub forgot it: it is older than ten minutes, or the hub was started anew.
            Err(NetError::Status(404, _)) => continue,
            Err(error) => return Err(error.into()),
        };
        let Ok(request) = invitation.read_request(&asked) else { continue };
        if typed == request.code {
            return approve_request(&mut engine, &client, &invitation, &request, &typed);
        }
    }
    Err(failure(
        "the code",
        format!(
            "is of no device that asked to join by one of the {open} open invitations; check the \
             digits, or make a new invitation"
        ),
    ))
}

pub fn join(arguments: &JoinArguments) -> Result<(), Failure> {
    let text = match arguments.invitation.as_deref() {
        Some(text) if text != "-" => {
            // Whoever typed it there has shown it: it is not used.
            let reason = "is not taken from the command line, where others can read it; make a new one, \
                          and give it to `kitbag join --store FILE` at its prompt, or by -";
            return Err(wrong_file("the invitation", reason));
        }
        Some(_) => Zeroizing::new(std::io::read_to_string(std::io::stdin())?),
        None => rpassword::prompt_password("The invitation: ")
            .map(Zeroizing::new)
            .map_err(|error| failure("the invitation", format!("{error}; give it with -")))?,
    };
    let invitation: Invitation = text.trim().parse()?;
    let invitation = &invitation;
    let mut engine = arguments.store.device(invitation.root)?;
    let (request, code) = engine.ask_to_join(invitation)?;
    let hub = hub_to_ask(&engine, invitation)?;
    let client = BlockingHubClient::to(&engine, &hub)?;
    let path = path_of(invitation, "/request");
    patiently(|| client.post(&path, request.clone()))?;
    say!("{} {}", &code[..3], &code[3..]);
    tell!("Read these six digits to whoever invited you. Waiting for their approval …");
    let reply = wait_for(&client, &path_of(invitation, "/reply"))?;
    engine.join_by(invitation, &reply)?;
    sync(&mut engine, None, |_| {})?;
    if engine.role(invitation.team) != Some(invitation.role) {
        return Err(failure("the certificate", "is not at the hub yet; sync again in a minute"));
    }
    tell!("Joined.");
    Ok(())
}

/// An enrolled device asks its own hub, whatever an invitation names: that changes by `kitbag programme
/// hub` alone.
fn hub_to_ask(engine: &Engine, invitation: &Invitation) -> Result<HubAddress, Failure> {
    match engine.hub()? {
        Some(hub) if engine.is_enrolled() => {
            if hub.at != invitation.hub.at {
                return Err(failure(
                    "the invitation",
                    "names another hub than this device's; nothing was changed. If the programme's \
                     hub moved: kitbag programme hub ADDRESS, then join again",
                ));
            }
            Ok(hub)
        }
        _ => Ok(invitation.hub.clone()),
    }
}

/// Tries a call again while the hub does not answer, for as long as an invitation holds.
fn patiently<T>(mut call: impl FnMut() -> Result<T, NetError>) -> Result<T, NetError> {
    let began = Instant::now();
    loop {
        match call() {
            Err(NetError::NoAnswer | NetError::Busy) if began.elapsed() < WAIT => {
                std::thread::sleep(POLL);
            }
            done => return done,
        }
    }
}

/// Asks until there is an answer that is not empty.
fn wait_for(client: &BlockingHubClient, path: &str) -> Result<Vec<u8>, Failure> {
    let began = Instant::now();
    while began.elapsed() < WAIT {
        let answer = patiently(|| client.get(path))?;
        if !answer.is_empty() {
            return Ok(answer);
        }
        std::thread::sleep(POLL);
    }
    Err(failure("the invitation", "is older than ten minutes; make a new one"))
}

fn path_of(invitation: &Invitation, part: &str) -> String {
    format!("/v1/invitations/{}{part}", TeamId(invitation.id()))
}

/// The QR code in half blocks, dark on light whatever the terminal's colours.
fn picture(text: &str) -> Result<String, Failure> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L)?;
    let light = qrcode::render::unicode::Dense1x2::Light;
    let dark = qrcode::render::unicode::Dense1x2::Dark;
    Ok(code
        .render::<qrcode::render::unicode::Dense1x2>()
        .dark_color(light)
        .light_color(dark)
        .build())
}

pub fn members(arguments: &MembersArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let team = team_of(&engine, arguments.team)?;
    let authority = engine.store().authority();
    if arguments.json {
        for (certificate, device, role) in authority.members(team) {
            let json = serde_json::json!({
                "certificate": certificate.to_string(),
                "device": device.to_string(),
                "role": role_word(role),
                "revoked": authority.is_revoked(&certificate),
            });
            say!("{json}");
        }
        return Ok(());
    }
    let mut table = crate::screen::table(["certificate", "role", "device", ""]);
    // Those who may let others in first: who certifies without end hides nobody.
    let mut members: Vec<_> = authority.members(team).collect();
    members.sort_by_key(|(certificate, _, role)| {
        (*role != Role::Coordinator, authority.is_revoked(certificate))
    });
    let all = members.len();
    for (certificate, device, role) in members.into_iter().take(crate::screen::ROWS_MAX) {
        let revoked = authority.is_revoked(&certificate);
        table.add_row([
            &certificate.to_string()[..12],
            role_word(role),
            &device.to_string()[..12],
            if revoked { "revoked" } else { "" },
        ]);
    }
    say!("{table}");
    crate::screen::say_rest(all);
    Ok(())
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Worker => "worker",
        Role::Coordinator => "coordinator",
        Role::Observer => "observer",
    }
}

pub fn revoke(arguments: &CertificateArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let team = match arguments.team {
        Some(team) => team,
        None => team_of(&engine, None)?,
    };
    if engine.device_key() == engine.root() {
        engine.look_into(team)?;
    }
    // What the hub holds of the device stands: know it first.
    let synced = sync(&mut engine, None, |_| {}).map(drop);
    let is_root = engine.device_key() == engine.root();
    let synced = match synced {
        Err(failed) if !is_root && !failed.is_stuck => return Err(failed),
        other => other,
    };
    let certificate = certificate_named(&engine, team, &arguments.certificate)?;
    match (engine.revoke(team, certificate), synced) {
        // Logs that somebody keeps from being handed on keep nobody from revoking.
        (Err(EngineError::MayNotRevoke), Err(failed)) => return Err(failed),
        (revoked, Err(failed)) => {
            revoked?;
            tell!(
                "The sync before it did not come to its end ({}): what the hub holds of the device and this \
                 one does not counts nowhere until it is accepted; see `kitbag accept --list`.",
                failed.reason()
            );
        }
        (revoked, Ok(())) => _ = revoked?,
    }
    if !engine.store().authority().is_revoked(&certificate) {
        return Err(failure(
            "the revocation",
            "does not hold: this device may not revoke that one",
        ));
    }
    let synced = sync(&mut engine, None, |_| {});
    tell!(
        "Revoked. What the hub held of it counts. Of what comes now the hub keeps a little aside, counting \
         nowhere, until a coordinator accepts it. The team's key changes; until a member has synced, \
         its bundles are sealed under the old one."
    );
    synced.map(drop)
}

pub fn certificate_named(engine: &Engine, team: TeamId, named: &str) -> Result<EntryId, Failure> {
    let members = engine.store().authority().members(team).map(|(certificate, _, _)| certificate);
    let found: Vec<EntryId> =
        members.filter(|certificate| certificate.to_string().starts_with(named)).collect();
    match found[..] {
        [certificate] => Ok(certificate),
        _ => {
            let reason =
                format!("names {} certificates of this team; see `kitbag members`", found.len());
            Err(failure(named, reason))
        }
    }
}

pub fn leave(arguments: &TeamArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let team = team_of(&engine, arguments.team)?;
    // The hub says now that it has it all: what it said earlier may not be true any more.
    let (synced, _) = sync(&mut engine, None, |_| {})?;
    engine.leave(team, synced.session())?;
    tell!("Left. What this device held of the team is deleted; the hub has it all.");
    Ok(())
}

pub fn announce(arguments: &TeamArguments) -> Result<(), Failure> {
    let engine = arguments.store.open()?;
    let team = team_of(&engine, arguments.team)?;
    say!("{}", BASE32_NOPAD.encode(&engine.announce(team)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_on_a_terminal_reads_back_as_the_invitation() {
        let text = format!("KITBAG:{}", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".repeat(12));
        let picture = picture(&text).map_err(|failure| failure.reason).expect("it fits a code");
        // Each letter holds two dots, one above the other; drawn ones are light.
        let lines: Vec<Vec<char>> = picture.lines().map(|line| line.chars().collect()).collect();
        let width = lines.first().map_or(0, Vec::len);
        let is_light = |x: usize, y: usize| {
            let letter = lines.get(y / 2).and_then(|line| line.get(x)).copied().unwrap_or(' ');
            match letter {
                '█' => true,
                '▀' => y.is_multiple_of(2),
                '▄' => !y.is_multiple_of(2),
                _ => false,
            }
        };
        // As a camera sees it, each dot some pixels wide.
        const DOT: usize = 4;
        let (wide, high) = (width * DOT, lines.len() * 2 * DOT);
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(wide, high, |x, y| {
            if is_light(x / DOT, y / DOT) { 255 } else { 0 }
        });
        let read: Vec<String> = seen
            .detect_grids()
            .iter()
            .filter_map(|grid| grid.decode().ok())
            .map(|(_, text)| text)
            .collect();
        assert_eq!(read, [text]);
    }
}
