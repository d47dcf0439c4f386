//! What this process leaves on the machine: files that are its owner's alone, and no picture of its memory.

/// What this program makes from here on is its owner's alone: stores, outboxes, locks and backups, too.
pub fn nobody_elses() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// A program that holds keys in memory leaves no picture of it behind when it is stopped.
pub fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let nothing = Rlimit { current: Some(0), maximum: Some(0) };
        if setrlimit(Resource::Core, nothing).is_err() {
            tell!("kitbag: core dumps could not be turned off; this system's administrator can");
        }
    }
    // A handler that a core is piped to asks no limit.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_core_is_dumped() {
        no_core_dumps();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    }
}
