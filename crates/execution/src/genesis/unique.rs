//! Maps whose keys may be written in several ways, such as addresses in upper or lower case: a repeated key is an
//! error. serde would silently keep the last one.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt, marker::PhantomData};

/// Reads a map, and refuses repeated keys.
pub(super) fn map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: DeserializeOwned + Ord,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(Unique(PhantomData))
}

struct Unique<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for Unique<K, V>
where
    K: DeserializeOwned + Ord,
    V: Deserialize<'de>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(written) = entries.next_key::<String>()? {
            let key = K::deserialize(serde::de::value::StrDeserializer::<A::Error>::new(&written))?;
            if map.insert(key, entries.next_value()?).is_some() {
                return Err(A::Error::custom(format!("{written} stands twice")));
            }
        }
        Ok(map)
    }
}
