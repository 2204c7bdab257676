//! The addresses under which a trainer is announced to workers elsewhere.

use std::net::{IpAddr, SocketAddr};

use crate::failure::Hint as _;

/// Parses `HOST:PORT`, where the host is a name or an address that others can reach.
///
/// # Errors
/// A text for clap.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let form = || "write it as HOST:PORT, as trainer.example:7000 or 203.0.113.5:7000".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    let port: u16 = port.parse().map_err(|_| form())?;
    if port == 0 {
        return Err(
            "nobody can dial port 0: give --listen a port, and announce that one".to_owned()
        );
    }
    let is_name = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => Err(format!(
            "nobody can dial {}: it stands for all addresses of this machine; announce one of them, or its name",
            address.ip()
        )),
        Ok(_) => Ok(text.to_owned()),
        Err(_) if is_name => Ok(text.to_owned()),
        Err(_) => Err(form()),
    }
}

/// Checks that workers can reach what is announced: the addresses given, or else the one listened on.
///
/// # Errors
/// When it is an address that nobody can dial, or some addresses are of this machine only and others are not.
pub(crate) fn check(listen: SocketAddr, announce: &[String]) -> anyhow::Result<()> {
    let announced = announce.first().and_then(|text| text.rsplit_once(':'));
    if let (0, Some((_, port))) = (listen.port(), announced) {
        return Err(anyhow::anyhow!(
            "port {port} is announced, but the trainer would listen on a free one that nobody knows"
        ))
        .hint(format!("--listen {}", SocketAddr::new(listen.ip(), port.parse()?)));
    }
    if announce.is_empty() && listen.ip().is_unspecified() {
        let hint = match listen.port() {
            0 => format!("--listen {}:4433 --announce HOST:4433", listen.ip()),
            port => format!("--announce HOST:{port}"),
        };
        return Err(anyhow::anyhow!(
            "nobody can dial {}, the address listened on: workers need one of this machine's addresses, or its name",
            listen.ip()
        ))
        .hint(hint);
    }
    let (here, elsewhere): (Vec<_>, Vec<_>) = announce.iter().partition(|text| is_here(text));
    if let ([here, ..], [elsewhere, ..]) = (&here[..], &elsewhere[..]) {
        return Err(anyhow::anyhow!(
            "{here} reaches only this machine, {elsewhere} others, too: workers elsewhere would dial themselves"
        ))
        .hint(format!("--announce {elsewhere}, without {here}"));
    }
    let is_served_here = listen.ip().is_loopback() && !elsewhere.is_empty();
    if let ([elsewhere, ..], true) = (&elsewhere[..], is_served_here) {
        tracing::warn!(
            "{elsewhere} is announced, but only this machine can reach {listen}, where the trainer listens: unless something forwards to it, give --listen 0.0.0.0:PORT"
        );
    }
    Ok(())
}

/// Returns whether an address reaches only the machine that dials it.
fn is_here(announced: &str) -> bool {
    let host = announced.rsplit_once(':').map_or(announced, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_dialled_is_accepted() {
        for text in [
            "203.0.113.5:7000",
            "[2001:db8::1]:7000",
            "trainer.example:7000",
            "desk:1",
            "localhost:9",
        ] {
            assert_eq!(parse(text).unwrap(), text);
        }
        for (text, part) in [
            ("0.0.0.0:7000", "stands for all addresses"),
            ("[::]:7000", "stands for all addresses"),
            ("203.0.113.5:0", "port 0"),
            ("trainer.example:0", "port 0"),
            ("trainer.example", "HOST:PORT"),
            (":7000", "HOST:PORT"),
            ("a b:7000", "HOST:PORT"),
            ("a,b:7000", "HOST:PORT"),
            ("http://a:7000", "HOST:PORT"),
            ("a:70000", "HOST:PORT"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn addresses_that_contradict_each_other_are_refused() {
        let check = |listen: &str, announce: &[&str]| {
            let announce: Vec<String> = announce.iter().map(|&text| text.to_owned()).collect();
            check(listen.parse().unwrap(), &announce).map_err(|error| error.to_string())
        };
        assert!(check("127.0.0.1:0", &[]).is_ok(), "workers on this machine only");
        assert!(check("0.0.0.0:7000", &["trainer.example:7000"]).is_ok());
        assert!(check("127.0.0.1:7000", &["localhost:7000", "[::1]:7000"]).is_ok());
        assert!(
            check("127.0.0.1:7000", &["trainer.example:7000"]).is_ok(),
            "something may forward"
        );
        let error = check("127.0.0.1:0", &["localhost:7000"]).unwrap_err();
        assert!(error.contains("port 7000 is announced"), "{error}");
        assert!(check("0.0.0.0:0", &["trainer.example:7000"]).is_err());
        assert!(check("0.0.0.0:7000", &[]).unwrap_err().contains("nobody can dial 0.0.0.0"));
        assert!(check("[::]:7000", &[]).is_err());
        for here in ["127.0.0.1:7000", "localhost:7000", "[::1]:7000", "[::ffff:127.0.0.1]:7000"] {
            let error = check("0.0.0.0:7000", &["203.0.113.5:7000", here]).unwrap_err();
            assert!(error.contains("dial themselves"), "{here}: {error}");
        }
    }
}
