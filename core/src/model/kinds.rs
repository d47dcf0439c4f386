//! The kinds of record: a line for each here, and its declaration in the module of its name.

use super::schema::Declaration;

/// Makes the modules, the enum and its table, so that a kind is named once.
macro_rules! kinds {
    ($($name:ident = $module:ident),* $(,)?) => {
        $(pub mod $module;)*

        /// A kind of record that this version can show and count.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("See [`", stringify!($module), "`].")] $name),*
        }

        impl Kind {
            /// All kinds, in the order of display.
            pub const ALL: [Kind; [$(stringify!($name)),*].len()] = [$(Kind::$name),*];

            /// The kind's declaration.
            pub fn declaration(self) -> &'static Declaration {
                match self {
                    $(Kind::$name => &$module::DECLARATION),*
                }
            }
        }
    };
}

kinds! {
    Distribution = distribution,
    Reversal = reversal,
    Referral = referral,
    StockMovement = stock_movement,
    Training = training,
    Contact = contact,
    Target = target,
    Report = report,
}
