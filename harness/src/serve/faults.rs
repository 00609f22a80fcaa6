//! The faults as the control API shows and takes them: the tables `[fault.NAME]`, as JSON.

use revlab_lab::{Instant, Span};
use serde_json::{Map, Value as Json};

/// Makes times of a table absolute. In a scenario they count from its start; over the control API
/// from the request. A fault that is new and says nothing else begins at once.
pub(super) fn from_now(now: Instant, new: bool, table: &mut Map<String, Json>) {
    for key in ["from", "until"] {
        let after = table.get(key).and_then(Json::as_str).and_then(|text| text.parse().ok());
        if let Some(after) = after.filter(|after: &Span| !after.is_negative()) {
            table.insert(key.to_owned(), Json::String((now + after).to_string()));
        }
    }
    if new && !table.contains_key("from") {
        table.insert("from".to_owned(), Json::String(now.to_string()));
    }
}

/// Applies a merge patch (RFC 7396): `null` removes a key.
pub(super) fn merge(table: &mut Map<String, Json>, patch: Map<String, Json>) {
    for (key, value) in patch {
        match (table.get_mut(&key), value) {
            (_, Json::Null) => {
                table.remove(&key);
            }
            (Some(Json::Object(own)), Json::Object(over)) => merge(own, over),
            (_, value) => {
                table.insert(key, without_nulls(value));
            }
        }
    }
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Json::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn times_count_from_the_request() {
        let now: Instant = "2024-03-01T00:00:00Z".parse().unwrap();
        let of = |new, json| {
            let mut table = map(json);
            from_now(now, new, &mut table);
            Json::Object(table)
        };
        assert_eq!(of(true, json!({})), json!({ "from": "2024-03-01T00:00:00.000Z" }));
        assert_eq!(
            of(false, json!({ "until": "5m" })),
            json!({ "until": "2024-03-01T00:05:00.000Z" })
        );
        let absolute = json!({ "from": "2024-04-01T00:00:00Z", "for": "1h" });
        assert_eq!(of(true, absolute.clone()), absolute);
        // Left for the decoder to complain about.
        assert_eq!(of(true, json!({ "from": 7 })), json!({ "from": 7 }));
    }

    #[test]
    fn a_patch_changes_adds_and_removes() {
        let mut table = map(json!({ "on": "a", "latency": { "latency": "1s" }, "down": {} }));
        merge(
            &mut table,
            map(json!({ "latency": { "latency": "2s" }, "down": null, "x": { "y": null } })),
        );
        assert_eq!(
            Json::Object(table),
            json!({ "on": "a", "latency": { "latency": "2s" }, "x": {} })
        );
    }
}
