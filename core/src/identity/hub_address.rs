//! Where a hub is and how it is known, as text that people can pass on.

use crate::model::DeviceKey;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

const SCHEME: &str = "kitbag://";
const INSECURE: &str = "insecure://";

/// Where a hub is, and the only keys that are taken for it. As text
/// `kitbag://host:port/key/spare`, keys in hexadecimal digits; `insecure://127.0.0.1:port` without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubAddress {
    /// `host:port`, resolved anew at each connection.
    pub at: String,
    /// Its key, and a spare that is kept offline; none for a hub on this machine without TLS.
    pub pins: Vec<DeviceKey>,
}

/// What is no hub's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not a hub's address; it looks like kitbag://host:port/key/spare, as the hub prints it"
)]
pub struct NotAHubAddress;

impl HubAddress {
    /// A hub without TLS; calls reach this machine alone.
    pub fn insecure(at: SocketAddr) -> Self {
        HubAddress { at: at.to_string(), pins: Vec::new() }
    }
}

impl fmt::Display for HubAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.pins.is_empty() { INSECURE } else { SCHEME };
        write!(f, "{scheme}{}", self.at)?;
        self.pins.iter().try_for_each(|pin| write!(f, "/{pin}"))
    }
}

impl FromStr for HubAddress {
    type Err = NotAHubAddress;

    fn from_str(text: &str) -> Result<Self, NotAHubAddress> {
        if let Some(at) = text.strip_prefix(INSECURE) {
            let at: SocketAddr = at.parse().map_err(|_| NotAHubAddress)?;
            return if at.ip().is_loopback() {
                Ok(Self::insecure(at))
            } else {
                Err(NotAHubAddress)
            };
        }
        let mut parts = text.strip_prefix(SCHEME).ok_or(NotAHubAddress)?.split('/');
        let at = parts.next().unwrap_or_default().to_owned();
        let (host, port) = at.rsplit_once(':').ok_or(NotAHubAddress)?;
        let is_good = !host.is_empty()
            && at.len() <= 300
            && at.chars().all(|letter| letter.is_ascii_graphic())
            && port.parse::<u16>().is_ok();
        let pins: Vec<DeviceKey> =
            parts.map(|pin| pin.parse().map_err(|_| NotAHubAddress)).collect::<Result<_, _>>()?;
        if is_good && (1..=2).contains(&pins.len()) {
            Ok(HubAddress { at, pins })
        } else {
            Err(NotAHubAddress)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_it_says_and_nothing_else_is_one() {
        let key = |byte| DeviceKey([byte; 32]);
        let hub = HubAddress { at: "hub.example:8737".to_owned(), pins: vec![key(1), key(2)] };
        assert_eq!(hub.to_string().parse(), Ok(hub.clone()));
        let local = HubAddress::insecure(([127, 0, 0, 1], 80).into());
        assert_eq!(local.to_string().parse(), Ok(local));
        let one = format!("kitbag://hub:1/{}", key(1));
        assert!(one.parse::<HubAddress>().is_ok());
        for bad in [
            "",
            "kitbag://",
            "kitbag://hub:1",
            "kitbag://hub/00",
            "kitbag://:1/00",
            "insecure://192.0.2.1:80",
            "https://hub:1",
            &format!("{one}/x"),
            &format!("{one}/{}/{}", key(2), key(3)),
            &format!("kitbag://hub:99999/{}", key(1)),
        ] {
            assert_eq!(bad.parse::<HubAddress>(), Err(NotAHubAddress), "{bad}");
        }
    }
}
