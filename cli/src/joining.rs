//! `kitbag programme`, `invite`, `join`, `approve`, `revoke`, `leave`, `members`: who belongs.

use crate::device::{Opened, StoreArguments};
use crate::shown::one_line;
use crate::{Failure, failure, wrong_file};
use clap::ValueEnum;
use data_encoding::BASE32_NOPAD;
use kitbag_client::Joining;
use kitbag_core::engine::Newcomer;
use kitbag_core::identity::Role;
use kitbag_core::model::{TeamId, UnixMillis};
use std::io::{BufRead, Write};
use zeroize::Zeroizing;

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
    /// The same person's earlier device, by its label or the start of its certificate: the new one corrects what that
    /// one recorded, as its own
    #[arg(long, value_name = "NAME")]
    continues: Option<String>,
    /// What people will call the device, such as "Van 2"; sealed to the team, so that no hub reads it
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
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
    /// Whose: a label, or the start of one, or of a certificate, as `kitbag members` prints them
    #[arg(value_name = "NAME")]
    pub certificate: String,
    /// The team
    #[arg(long, value_name = "ID")]
    pub team: Option<TeamId>,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  kitbag label --store desk.db 3f2a \"Van 2\"")]
pub struct LabelArguments {
    #[command(flatten)]
    of: CertificateArguments,
    /// What people are to call it: 1 to 40 characters
    #[arg(value_name = "LABEL")]
    label: String,
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
    /// One JSON object a line: certificate, device, role, revoked, label, joined, last_synced, person
    #[arg(long)]
    json: bool,
}

pub fn invite(arguments: &InviteArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let team = held.team(arguments.team)?;
    let of_team = held.client().team();
    let continues = match &arguments.continues {
        Some(named) => Some(held.member_named(team, named)?),
        None => None,
    };
    if let Some(before) = &continues {
        let (label, id) = (before.label.as_deref().unwrap_or_default(), before.certificate);
        tell!(
            "The new device may correct and void what this one recorded: {label:?}, certificate {id}."
        );
    }
    let continues = continues.map(|before| before.certificate);
    let newcomer = Newcomer { continues, label: arguments.label.clone() };
    let invited = held.wait(of_team.invite(team, arguments.role.into(), newcomer))?;
    if !arguments.text_only {
        tell!("{}", picture(&invited.text)?);
        tell!("Show this to the new device within ten minutes, or give it this text:");
    }
    say!("{}", invited.text);
    if !arguments.wait {
        tell!("Then: kitbag approve CODE, with the six digits that the new device shows.");
        return Ok(());
    }
    held.wait(held.client().team().asked(&invited))?;
    eprint!("A device asks to join. The six digits on its screen: ");
    std::io::stderr().flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    let_in(&held, &typed)
}

fn let_in(held: &Opened, digits: &str) -> Result<(), Failure> {
    held.wait(held.client().team().approve(digits))?;
    tell!("The device is a member now.");
    Ok(())
}

pub fn approve(arguments: &ApproveArguments) -> Result<(), Failure> {
    let_in(&arguments.store.hold()?, &arguments.code)
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
    let (path, opening) = (arguments.store.path(), arguments.store.opening()?);
    let runtime = crate::device::runtime()?;
    let joining = runtime.block_on(Joining::ask(opening, &text)).map_err(crate::failed)?;
    let (code, team, role) = (joining.code().to_owned(), joining.team(), joining.role());
    say!("{} {}", &code[..3], &code[3..]);
    tell!("Read these six digits to whoever invited you. Waiting for their approval …");
    let held = Opened::on(runtime, path, joining.approved())?;
    let own = held.wait(held.client().team().own())?;
    if !own.contains(&(team, Some(role))) {
        return Err(failure("the certificate", "is not at the hub yet; sync again in a minute"));
    }
    tell!("Joined.");
    Ok(())
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
    let held = arguments.store.hold()?;
    let team = held.team(arguments.team)?;
    // A hub tells coordinators when each device synced; without it, what it said last stands.
    let members = match held.wait(held.client().team().members_and_last_sync(team)) {
        Ok(members) => members,
        Err(_) => held.wait(held.client().team().members(team))?,
    };
    let day = |at: UnixMillis| at.to_iso().chars().take(10).collect::<String>();
    if arguments.json {
        for member in &members {
            let json = serde_json::json!({
                "certificate": member.certificate.to_string(),
                "device": member.device.to_string(),
                "role": role_word(member.role),
                "revoked": member.is_revoked,
                "label": member.label,
                "joined": member.joined.to_iso(),
                "last_synced": member.last_synced.map(|day| day.to_string()),
                "person": member.person.to_string(),
            });
            say!("{json}");
        }
        return Ok(());
    }
    let mut table = crate::screen::table([
        "label",
        "role",
        "joined",
        "last synced",
        "certificate",
        "device",
        "",
    ]);
    // Those who may let others in first: who certifies without end hides nobody.
    for member in members.iter().take(crate::screen::ROWS_MAX) {
        table.add_row([
            one_line(member.label.as_deref().unwrap_or("")),
            role_word(member.role).to_owned(),
            day(member.joined),
            member.last_synced.map(|day| day.to_string()).unwrap_or_default(),
            member.certificate.to_string()[..12].to_owned(),
            member.device.to_string()[..12].to_owned(),
            if member.is_revoked { "revoked" } else { "" }.to_owned(),
        ]);
    }
    say!("{table}");
    crate::screen::say_rest(members.len());
    Ok(())
}

pub fn label(arguments: &LabelArguments) -> Result<(), Failure> {
    let held = arguments.of.store.hold()?;
    let (team, of_team) = (held.team(arguments.of.team)?, held.client().team());
    let certificate = held.member_named(team, &arguments.of.certificate)?.certificate;
    held.wait(of_team.set_label(certificate, arguments.label.clone()))?;
    tell!("Called so here; everybody in the team sees it once they have synced.");
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
    let held = arguments.store.hold()?;
    let (team, of_team) = (held.team(arguments.team)?, held.client().team());
    if held.wait(held.client().programme().own())?.is_root() {
        held.wait(held.client().programme().look_into(team))?;
        // Who belongs to it may be known only once the hub was asked.
        _ = held.sync(None);
    }
    let certificate = held.member_named(team, &arguments.certificate)?.certificate;
    let revoked = held.wait(of_team.revoke(team, certificate))?;
    if let Some(error) = revoked.before {
        tell!(
            "The sync before it did not come to its end ({}): what the hub holds of the device and this \
             one does not counts nowhere until it is accepted; see `kitbag accept --list`.",
            error.in_words(crate::words())
        );
    }
    tell!(
        "Revoked. What the hub held of it counts. Of what comes now the hub keeps a little aside, counting \
         nowhere, until a coordinator accepts it. The team's key changes; until a member has synced, \
         its bundles are sealed under the old one."
    );
    revoked.after.map_or(Ok(()), |error| Err(crate::failed(error)))
}

pub fn leave(arguments: &TeamArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let team = held.team(arguments.team)?;
    held.wait(held.client().team().leave(team))?;
    tell!("Left. What this device held of the team is deleted; the hub has it all.");
    Ok(())
}

pub fn announce(arguments: &TeamArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    let team = held.team(arguments.team)?;
    say!("{}", BASE32_NOPAD.encode(&held.wait(held.client().team().announce(team))?));
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
