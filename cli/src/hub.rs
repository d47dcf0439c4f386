//! `kitbag hub`: running one, backing it up, restoring it.

use crate::Failure;
use clap::Subcommand;
use kitbag_core::model::DeviceKey;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum HubCommand {
    /// Runs a hub on this machine until it is told to stop
    Run(RunArguments),
    /// Copies a running hub's store into a file; keep hub.key elsewhere, too
    Backup {
        /// The hub's folder
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// The file to write
        #[arg(value_name = "FILE")]
        out: PathBuf,
    },
    /// Puts the spare key in the place of a stopped hub's own, which others may know
    UseSpare {
        /// The hub's folder
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// The spare key's file, from its safe place
        #[arg(value_name = "FILE")]
        spare: PathBuf,
    },
    /// Puts a backup in the place of a stopped hub's store, which is moved aside
    Restore {
        /// The hub's folder, with its hub.key
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// The backup
        #[arg(value_name = "FILE")]
        from: PathBuf,
    },
}

#[derive(clap::Args)]
pub struct RunArguments {
    /// The folder of its store and keys; made on first start
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Where to listen; port 0 for a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8737")]
    listen: SocketAddr,
    /// The host:port that devices call, where it is not the address listened on
    #[arg(long, value_name = "HOST:PORT")]
    public: Option<String>,
    /// The programme's root key, 64 hexadecimal digits; needed on first start only
    #[arg(long, value_name = "KEY")]
    root: Option<DeviceKey>,
    /// Plain HTTP without any protection, for development on this machine alone
    #[arg(long)]
    insecure_loopback: bool,
    /// What one member's requests may inflate to before it has to wait, in MiB; whole again in an hour
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    member_mib: u64,
    /// How long one member's requests may keep this machine busy before it has to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    member_seconds: u64,
    /// How many new logs and branches one member may begin before it has to wait
    #[arg(long, value_name = "N", default_value_t = 100)]
    member_branches: u64,
    /// Stop when standard input ends, so that it never outlives whoever started it
    #[arg(long)]
    until_stdin_ends: bool,
}

impl RunArguments {
    fn budgets(&self) -> kitbag_hub::Budgets {
        kitbag_hub::Budgets {
            inflated_bytes: self.member_mib.saturating_mul(1 << 20),
            seconds: self.member_seconds,
            branches: self.member_branches,
        }
    }
}

pub fn run(command: HubCommand) -> Result<(), Failure> {
    match command {
        HubCommand::Run(arguments) => run_hub(arguments),
        HubCommand::Backup { folder, out } => {
            let bytes = kitbag_hub::backup(&folder, &out)?;
            say!("{} is whole: {bytes} bytes. Without hub.key it cannot be read.", out.display());
            Ok(())
        }
        HubCommand::UseSpare { folder, spare } => {
            kitbag_hub::use_spare(&folder, &spare)?;
            say!(
                "The spare is the hub's key now. Start the hub; devices that joined before accept it, and \
                 nothing else from then on. A new spare.key is in the folder: move it to a safe place."
            );
            Ok(())
        }
        HubCommand::Restore { folder, from } => {
            let aside = kitbag_hub::restore(&folder, &from)?;
            if let Some(aside) = aside {
                say!("The store that was there is now {}.", aside.display());
            }
            say!("Restored. Start the hub: devices bring back what the backup lacks.");
            Ok(())
        }
    }
}

fn run_hub(arguments: RunArguments) -> Result<(), Failure> {
    // Whoever reads the log and stops reading must not stop the hub.
    let (log, _flushed_at_the_end) = tracing_appender::non_blocking(std::io::stderr());
    let log = move || crate::shown::Marked(log.clone());
    tracing_subscriber::fmt().with_writer(log).with_ansi(false).init();
    let budgets = arguments.budgets();
    let options = kitbag_hub::Options {
        folder: arguments.folder,
        listen: arguments.listen,
        public: arguments.public,
        root: arguments.root,
        insecure_loopback: arguments.insecure_loopback,
        until_stdin_ends: arguments.until_stdin_ends,
        budgets,
    };
    kitbag_hub::run(options, |address| say!("listening on {address}"))?;
    Ok(())
}
