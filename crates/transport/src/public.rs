//! A network that ends at the door of private ones: whoever announces addresses must not lead a machine to its neighbours.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use units::Digest;

use crate::{
    BindError, Boxed, ConnectError, Connection, Dial, FetchOnceError, Limits, Listener, Network,
};

/// Another network, of which only public addresses are dialled.
#[derive(Clone, Copy, Debug)]
pub struct PublicOnly<N>(pub N);

impl<N: Network> Network for PublicOnly<N> {
    fn listen(
        &self,
        secret: [u8; 32],
        listen: SocketAddr,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Listener>, BindError>> {
        self.0.listen(secret, listen, limits)
    }

    fn connect(
        &self,
        dial: Dial,
        limits: Limits,
    ) -> Boxed<'_, Result<Box<dyn Connection>, ConnectError>> {
        self.0.connect(public(dial), limits)
    }

    fn fetch_once<'a>(
        &'a self,
        dial: Dial,
        limits: Limits,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchOnceError>> {
        self.0.fetch_once(public(dial), limits, digest, size_max)
    }
}

/// Leaves the public addresses. A coordinator without one is not reached.
fn public(dial: Dial) -> Dial {
    let (kept, left): (Vec<_>, Vec<_>) =
        dial.addresses.iter().partition(|address| is_public(address.ip()));
    if !left.is_empty() {
        let left = Listed(&left);
        tracing::warn!(%left, "a coordinator announces addresses of private networks: not dialled, because the ledger's node is not in one");
    }
    Dial { addresses: kept, ..dial }
}

struct Listed<'a>(&'a [SocketAddr]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

/// Returns whether an address is one of the public internet: not of this machine, of a private or shared network, of a link, of a
/// group, for documentation or reserved.
///
/// Source: IANA's registries of special-purpose addresses (RFC 6890).
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    let is_special = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        // This network, shared addresses of carriers, protocol assignments, 6to4 relays, benchmarks, reserved.
        || first == 0
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 192 && second == 88 && third == 99)
        || (first == 198 && (18..20).contains(&second))
        || first >= 240;
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    let [first, second, ..] = ip.segments();
    // All that is assigned to the public internet is in 2000::/3.
    let is_global = first & 0xe000 == 0x2000;
    let is_special = (first == 0x2001 && (second < 0x200 || second == 0xdb8))
        || first == 0x3fff
        // An IPv4 address inside: 6to4.
        || first == 0x2002;
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::DeviceId;

    #[test]
    fn what_is_not_of_the_internet_is_not_public() {
        for private in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.251",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::fb",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
            "::7f00:1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2600::1",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "2001:4860::8888",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn only_public_addresses_are_dialled() {
        let addresses = ["10.0.0.5:4433", "1.1.1.1:4433", "127.0.0.1:80", "[fe80::1]:80"];
        let addresses = addresses.map(|text| text.parse().unwrap()).to_vec();
        let coordinator = DeviceId::from_bytes([1; 32]);
        let dial = public(Dial { secret: [7; 32], coordinator, addresses });
        assert_eq!(dial.addresses, ["1.1.1.1:4433".parse().unwrap()]);
    }
}
