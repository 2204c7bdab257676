use alloy_primitives::address;
use amm::concentrated::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, TICK_MAX, TICK_MIN, sqrt_price_at_tick};
use native_kit::{Outcome, test_host::TestHost};
use proptest::prelude::*;
use serde_json::Value;

use super::{super::described::asset, *};
use crate::TABLE;

/// Bytes of an address of JSON at most, whatever assets answer.
const SIZE_MAX: usize = 8_192;

/// Returns symbol data as Solidity encodes it.
fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut data = U256::from(32).to_be_bytes_vec();
    data.extend(U256::from(bytes.len()).to_be_bytes_vec());
    data.extend(bytes);
    data.resize(data.len().next_multiple_of(32), 0);
    data
}

fn drawn(symbols: [&[u8]; 2], ticks: (i32, i32), tick: i32) -> Drawn {
    let addresses = [
        address!("0x6c00000000000000000000000000000000000002"),
        address!("0xffffffffffffffffffffffffffffffffffffffff"),
    ];
    let asset = |index: usize| Asset {
        address: addresses[index],
        symbol: symbol(&encoded(symbols[index])),
        decimals: Some(18),
    };
    let root = |tick| sqrt_price_at_tick(tick).unwrap();
    Drawn {
        token: U256::from(17),
        pool: Address::repeat_byte(0xab),
        assets: [asset(0), asset(1)],
        fee: 3_000,
        ticks,
        roots: (root(ticks.0), root(ticks.1)),
        tick,
        root: root(tick),
        liquidity: 1_000,
    }
}

/// Decodes Base64, strictly.
fn decoded(text: &str) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(text.len() % 4, 0);
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    assert!(padding <= 2);
    let mut bits = Vec::new();
    for letter in text[..text.len() - padding].chars() {
        let value = letters.find(letter).expect("a letter of Base64");
        bits.extend((0..6).rev().map(|bit| (value >> bit) & 1));
    }
    let bytes = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | *bit));
    String::from_utf8(bytes.map(|byte| u8::try_from(byte).unwrap()).collect()).unwrap()
}

/// Reads JSON and picture as strictly as anybody, and returns both.
fn read(uri: &str) -> (Value, String) {
    assert!(uri.is_ascii() && uri.len() <= SIZE_MAX, "{} bytes", uri.len());
    let json = decoded(uri.strip_prefix("data:application/json;base64,").unwrap());
    let json: Value = serde_json::from_str(&json).unwrap();
    let mut keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["attributes", "description", "image", "name"]);
    let image = json["image"].as_str().unwrap();
    let svg = decoded(image.strip_prefix("data:image/svg+xml;base64,").unwrap());
    check_svg(&svg);
    (json, svg)
}

/// Elements and attributes are ours alone: nothing that runs, loads or links.
fn check_svg(svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap();
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    let names: Vec<&str> = elements.clone().map(|it| it.tag_name().name()).collect();
    let expected = [
        "svg", "title", "desc", "rect", "g", "text", "text", "text", "text", "text", "path",
        "rect", "path", "circle", "g", "text", "text", "text", "text", "text", "text",
    ];
    assert_eq!(names, expected);
    for element in elements {
        assert_eq!(element.tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
        for attribute in element.attributes() {
            let name = attribute.name();
            assert!(!name.starts_with("on") && !["href", "style", "src"].contains(&name), "{name}");
        }
    }
}

fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let elements =
        document.descendants().filter(|it| it.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    elements.map(|it| it.text().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_position_is_drawn() {
    let mut drawn = drawn([b"GRAIN", b"BAR"], (-6_960, 6_960), 60);
    let (json, svg) = read(&uri(&drawn));
    assert_eq!(json["name"], "Position 17: GRAIN / BAR, 0.3 %");
    let description = json["description"].as_str().unwrap();
    assert!(
        description.contains("between 0.49859 and 2.0056 BAR per GRAIN: in range"),
        "{description}"
    );
    let address = format!("GRAIN is {}", drawn.assets[0].address);
    assert!(description.contains(&address), "{description}");
    let shown = texts(&svg);
    for text in ["GRAIN", "BAR", "fee 0.3 %", "no. 17", "now 1.006", "0.49859", "2.0056"] {
        assert!(shown.iter().any(|it| it == text), "{text}: {shown:?}");
    }
    for (tick, words) in
        [(-6_961, "below"), (6_960, "above"), (-6_960, "in range"), (6_959, "in range")]
    {
        drawn.tick = tick;
        assert!(texts(&read(&uri(&drawn)).1).iter().any(|text| text.contains(words)), "{tick}");
    }
    drawn.liquidity = 0;
    assert!(texts(&read(&uri(&drawn)).1).contains(&"no liquidity".to_owned()));
    drawn.assets[1].decimals = None;
    assert!(texts(&read(&uri(&drawn)).1).contains(&" in smallest units".to_owned()));
}

#[test]
fn the_price_is_drawn_where_it_is() {
    let place = |tick| drawn([b"A", b"B"], (-100, 100), tick).place();
    let places = [-887_272, -200, -100, 0, 99, 100, 200, 887_272].map(place);
    assert_eq!(places, [30, 30, 92, 160, 227, 228, 290, 290]);
}

#[test]
fn hostile_symbols_stay_text() {
    let long = vec![b'<'; 10_000];
    let hostile: [&[u8]; 12] = [
        b"\"><script>",
        b"</text>",
        b"&lt;&#0;",
        b"]]><!--",
        b"\"\\\\\"",
        b"'\"&<>'\"&<>'",
        b"\0\x01\x1b[2J\x7f",
        "\u{202e}evil\u{2066}".as_bytes(),
        b"\xff\xfe\xf0\x80",
        "\u{ffff}\u{fffe}\u{fdd0}".as_bytes(),
        &long,
        "円円円円円円円円円円円円円".as_bytes(),
    ];
    for bytes in hostile {
        for pair in [[bytes, b"BAR"], [b"BAR", bytes], [bytes, bytes]] {
            let drawn = drawn(pair, (-60, 60), 0);
            let (json, svg) = read(&uri(&drawn));
            let name = drawn.name(usize::from(pair[0] == b"BAR"));
            assert!(name.chars().count() <= 12, "{name}");
            assert!(name.chars().all(|letter| !letter.is_control()), "{name:?}");
            assert!(texts(&svg).contains(&name), "{name}");
            assert!(json["name"].as_str().unwrap().contains(&name), "{name}");
        }
    }
}

#[test]
fn symbols_are_cut_and_cleaned() {
    let check = |answer: &[u8], expected: Option<&str>| {
        assert_eq!(symbol(answer).as_deref(), expected, "{answer:?}");
    };
    check(&encoded(b"GRAIN"), Some("GRAIN"));
    check(&encoded(b"twelve chars"), Some("twelve chars"));
    check(&encoded(b"thirteen char"), Some("thirteen ch…"));
    check(&encoded("Δ\u{301}円\u{ad}".as_bytes()), Some("Δ?円?"));
    check(&encoded(b"\n"), Some("?"));
    // Nothing to see.
    check(&encoded(b""), None);
    check(&encoded(b"   "), None);
    // 32 bytes, as of old assets.
    let mut word = [0; 32];
    word[..3].copy_from_slice(b"MKR");
    check(&word, Some("MKR"));
    check(&[0; 32], None);
    // No string.
    check(&[], None);
    check(&[7; 31], None);
    check(&encoded(b"GRAIN")[..60], None);
    check(&[0xff; 96], None);
    let mut beyond = encoded(b"GRAIN");
    beyond[63] = 33;
    check(&beyond, None);
}

#[test]
fn prices_have_five_digits() {
    let at = |tick: i32, shift| price_down(sqrt_price_at_tick(tick).unwrap(), shift);
    assert_eq!(price_down(U160::ONE << 96, 0), "1");
    assert_eq!(price_down(U160::ONE << 97, 0), "4");
    assert_eq!(price_down(U160::ONE << 95, 0), "0.25");
    assert_eq!(price_down(U160::ONE << 96, 9), "1000000000");
    assert_eq!(price_down(U160::ONE << 96, 10), "1e10");
    assert_eq!(price_down(U160::ONE << 96, -6), "0.000001");
    assert_eq!(price_down(U160::ONE << 96, -7), "1e-7");
    // 1.0001^23027 is 9.99999…, 1.0001^23028 is 10.0009….
    assert_eq!(at(23_027, 0), "9.9999");
    assert_eq!(at(23_028, 0), "10");
    assert_eq!(at(276_324, -12), "0.99999");
    assert_eq!(price_down(SQRT_PRICE_MIN, 0), "2.9389e-39");
    assert_eq!(price_down(SQRT_PRICE_MAX, 0), "3.4025e38");
    assert_eq!(price_down(SQRT_PRICE_MAX, 255), "3.4025e293");
    assert_eq!(price_down(SQRT_PRICE_MIN, -255), "2.9389e-294");
}

#[test]
fn fees_are_percent() {
    let shown = [0, 1, 100, 500, 3_000, 10_000, 12_345, 999_999].map(percent);
    assert_eq!(shown, ["0", "0.0001", "0.01", "0.05", "0.3", "1", "1.2345", "99.9999"]);
}

#[test]
fn base64_is_that_of_rfc_4648() {
    let of = |text: &str| base64(text.as_bytes());
    assert_eq!(
        ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(of),
        ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]
    );
}

/// What an asset does when it is asked.
#[test]
fn assets_are_asked_with_care() {
    let token = Address::repeat_byte(0x11);
    let ask = |symbol: Outcome, decimals: Outcome| {
        let mut host = TestHost::new(TABLE);
        host.deploy(token, move |_, _, call| {
            assert!(
                call.is_static && call.gas_limit == Some(50_000),
                "asked with little gas, and it can't change anything"
            );
            if call.input.starts_with(&[0x95, 0xd8, 0x9b, 0x41]) {
                symbol.clone()
            } else {
                decimals.clone()
            }
        });
        let Asset { symbol, decimals, .. } = asset(&mut host, token).unwrap();
        (symbol, decimals)
    };
    let word = |number: U256| Outcome::Returned(number.to_be_bytes_vec().into());
    let named = || Outcome::Returned(encoded(b"BAR").into());
    assert_eq!(ask(named(), word(U256::from(6))), (Some("BAR".into()), Some(6)));
    assert_eq!(ask(Outcome::Halted, word(U256::from(256))), (None, None));
    assert_eq!(
        ask(Outcome::Reverted(encoded(b"BAR").into()), Outcome::Returned(vec![6].into())),
        (None, None)
    );
    let mut empty = TestHost::new(TABLE);
    let nobody = asset(&mut empty, token).unwrap();
    assert_eq!((nobody.symbol, nobody.decimals), (None, None));
}

proptest! {
    #[test]
    fn whatever_is_drawn_can_be_read(
        symbols in [proptest::collection::vec(any::<u8>(), 0..80), proptest::collection::vec(any::<u8>(), 0..80)],
        decimals in [any::<Option<u8>>(), any::<Option<u8>>()],
        (ticks, tick) in ((TICK_MIN..TICK_MAX, 1..TICK_MAX), TICK_MIN..TICK_MAX),
        (token, fee, liquidity) in (any::<[u64; 4]>(), 0..1_000_000_u32, any::<u128>()),
    ) {
        let upper = ticks.0.saturating_add(ticks.1).min(TICK_MAX);
        let mut drawn = drawn([&symbols[0], &symbols[1]], (ticks.0, upper), tick);
        for (asset, decimals) in drawn.assets.iter_mut().zip(decimals) {
            asset.decimals = decimals;
        }
        drawn = Drawn { token: U256::from_limbs(token), fee, liquidity, ..drawn };
        read(&uri(&drawn));
        let _ = symbol(&symbols.concat());
    }
}
