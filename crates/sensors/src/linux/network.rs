//! Whether there is a way to the internet, and whether its traffic is paid for by volume.

use crate::linux::dbus;
use crate::linux::root::Root;
use crate::{Metered, Network, Seen};

/// Where the network is read.
pub(crate) const SOURCE: &str = "/proc/net/route, /proc/net/ipv6_route, NetworkManager";

/// Drivers of telephones that share their connection over USB.
const TETHER_DRIVERS: [&str; 5] = ["rndis_host", "cdc_ether", "cdc_ncm", "cdc_mbim", "ipheth"];

/// Kernel's flag of a route that is in use.
const ROUTE_UP: u32 = 1;
/// Kernel's flag of a route that refuses traffic.
const ROUTE_REJECT: u32 = 0x200;

/// Reads the default routes, and asks NetworkManager, where it runs, whether they are metered.
pub(crate) fn read(root: &Root, metered: Metered) -> Seen<Network> {
    let interfaces = match default_interfaces(root) {
        Ok(interfaces) => interfaces,
        Err(reason) => return Seen::Unknown(reason),
    };
    let is_online = !interfaces.is_empty();
    let is_metered = match metered {
        Metered::Yes => true,
        Metered::No => false,
        Metered::Detect if root.has("run/NetworkManager") => match network_manager(root) {
            Ok(is_metered) => is_metered,
            Err(reason) => return Seen::Unknown(reason),
        },
        Metered::Detect => interfaces.iter().any(|name| is_mobile(root, name)),
    };
    Seen::Known(Network { is_online, is_metered })
}

/// Returns the interfaces that a default route of IPv4 or IPv6 goes through.
fn default_interfaces(root: &Root) -> Result<Vec<String>, String> {
    let mut interfaces = Vec::new();
    let flags_of = |word: Option<&&str>| word.and_then(|word| u32::from_str_radix(word, 16).ok());
    let is_used = |flags: Option<u32>| {
        flags.is_some_and(|flags| flags & ROUTE_UP != 0 && flags & ROUTE_REJECT == 0)
    };
    for line in root.text("proc/net/route")?.lines().skip(1) {
        // Iface Destination Gateway Flags RefCnt Use Metric Mask …
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_default = words.get(1) == Some(&"00000000") && words.get(7) == Some(&"00000000");
        if let Some(name) = words.first().filter(|_| is_default && is_used(flags_of(words.get(3))))
        {
            interfaces.push((*name).to_owned());
        }
    }
    // Absent where the kernel has no IPv6.
    for line in root.text("proc/net/ipv6_route").unwrap_or_default().lines() {
        // destination length source length next-hop metric references use flags name
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_default = words.get(1) == Some(&"00")
            && words.first().is_some_and(|word| word.bytes().all(|byte| byte == b'0'));
        if let Some(name) = words
            .get(9)
            .filter(|name| is_default && **name != "lo" && is_used(flags_of(words.get(8))))
        {
            interfaces.push((*name).to_owned());
        }
    }
    interfaces.sort();
    interfaces.dedup();
    Ok(interfaces)
}

/// Whether an interface leads through a mobile network or a telephone, by its name and driver.
fn is_mobile(root: &Root, name: &str) -> bool {
    let is_named =
        ["wwan", "ww", "ppp", "bnep", "rmnet"].iter().any(|start| name.starts_with(start));
    let driver = root.link_name(&format!("sys/class/net/{name}/device/driver"));
    is_named || driver.is_some_and(|driver| TETHER_DRIVERS.contains(&driver.as_str()))
}

/// What an owner can do where NetworkManager does not say it.
const HINT: &str = "set network.on_metered = true if traffic costs you nothing";

/// Asks NetworkManager. Its guesses count as what it guesses; what it doesn't know is unknown.
fn network_manager(root: &Root) -> Result<bool, String> {
    let value = dbus::property(
        &root.path(dbus::SYSTEM_BUS),
        &dbus::Property {
            service: "org.freedesktop.NetworkManager",
            path: "/org/freedesktop/NetworkManager",
            interface: "org.freedesktop.NetworkManager",
            name: "Metered",
        },
    )
    .map_err(|error| format!("{error}: start it, or {HINT}"))?;
    match value {
        dbus::Value::Number(1 | 3) => Ok(true),
        dbus::Value::Number(2 | 4) => Ok(false),
        dbus::Value::Number(0) => Err(format!(
            "NetworkManager does not know whether the network is metered: let it manage the connection, or {HINT}"
        )),
        other => Err(format!("NetworkManager: Metered is {other:?}")),
    }
}
