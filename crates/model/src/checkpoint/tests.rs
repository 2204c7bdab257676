use super::*;
use crate::state::initial_parameters;

const CONFIG: Config =
    Config { layers: 1, width: 8, heads: 2, context: 4, vocabulary: 16, hidden: 12 };

/// Returns a temporary folder with a saved model, and its parameters.
fn saved(name: &str) -> (tempfile::TempDir, Vec<f32>) {
    let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
    let params = initial_parameters(&CONFIG, &[5; 32]);
    save(folder.path(), &CONFIG, &params, &metadata()).unwrap();
    (folder, params)
}

fn metadata() -> BTreeMap<String, String> {
    BTreeMap::from([("round".to_owned(), "7".to_owned()), ("state".to_owned(), "ab".to_owned())])
}

/// Returns the error and its causes, as the command prints them.
fn message(error: &CheckpointError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[test]
fn a_saved_model_is_loaded() {
    let (folder, params) = saved("whole");
    let loaded = load(folder.path()).unwrap();
    assert_eq!((loaded.config, loaded.params), (CONFIG, params.clone()));
    assert_eq!(loaded.metadata.get("round").map(String::as_str), Some("7"));
    let bytes = std::fs::read(folder.path().join(WEIGHTS_FILE)).unwrap();
    save(folder.path(), &CONFIG, &params, &metadata()).unwrap();
    assert_eq!(
        std::fs::read(folder.path().join(WEIGHTS_FILE)).unwrap(),
        bytes,
        "same bytes each time"
    );
    assert!(!folder.path().join("model.part").exists());
}

#[test]
fn one_changed_bit_is_refused_with_both_digests() {
    let (folder, params) = saved("bit");
    let path = folder.path().join(WEIGHTS_FILE);
    let whole = std::fs::read(&path).unwrap();
    let values = params.len() * size_of::<f32>();
    let check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = load(folder.path()).unwrap_err();
        let CheckpointError::OtherState { found, saved, .. } = &error else { panic!("{error}") };
        assert_eq!(*saved, state_digest(&params).to_string());
        assert!(
            found != saved && message(&error).contains(found) && message(&error).contains(saved)
        );
    };
    for position in [whole.len() - values, whole.len() - values / 2, whole.len() - 4] {
        let mut bytes = whole.clone();
        bytes[position] ^= 1;
        check(&bytes);
    }
    let mut zeros = whole.clone();
    zeros[whole.len() - values..].fill(0);
    check(&zeros);
    std::fs::write(&path, &whole).unwrap();
    load(folder.path()).unwrap();
}

#[test]
fn another_context_is_refused_with_both() {
    let (folder, _) = saved("context");
    let path = folder.path().join(CONFIG_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let (was, now) = ("\"max_position_embeddings\": 4", "\"max_position_embeddings\": 1");
    assert!(text.contains(was));
    std::fs::write(&path, text.replace(was, now)).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(error, CheckpointError::OtherSizes { .. }), "{error}");
    let text = message(&error);
    assert!(text.contains("\"context\":1,") && text.contains("\"context\":4,"), "{text}");
}

#[test]
fn a_missing_file_is_named() {
    for file in [WEIGHTS_FILE, CONFIG_FILE] {
        let (folder, _) = saved("missing");
        std::fs::remove_file(folder.path().join(file)).unwrap();
        let error = load(folder.path()).unwrap_err();
        assert!(matches!(error, CheckpointError::Read { .. }));
        assert!(message(&error).contains(file), "{}", message(&error));
    }
}

#[test]
fn a_file_cut_short_is_refused_at_any_length() {
    let (folder, _) = saved("short");
    let path = folder.path().join(WEIGHTS_FILE);
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = load(folder.path()).unwrap_err();
        assert!(matches!(error, CheckpointError::Damaged { .. }), "{length}: {error}");
        assert!(message(&error).contains("save it again"));
    }
}

#[test]
fn another_shape_is_refused() {
    let (folder, _) = saved("shape");
    let path = folder.path().join(CONFIG_FILE);
    let json = std::fs::read_to_string(&path).unwrap();
    for (from, to, expected) in [
        (
            "\"intermediate_size\": 12",
            "\"intermediate_size\": 13",
            "mlp.gate_proj.weight` as F32 [12, 8], its",
        ),
        (
            "\"num_hidden_layers\": 1",
            "\"num_hidden_layers\": 2",
            "no tensor `model.layers.1.input_layernorm",
        ),
        (
            "\"num_attention_heads\": 2",
            "\"num_attention_heads\": 4",
            "num_key_value_heads = 2, but only 4",
        ),
        ("\"hidden_size\": 8", "\"hidden_size\": 9", "width 9 does not split into 2 heads"),
        (
            "\"model_type\": \"llama\"",
            "\"model_type\": \"gpt2\"",
            "model_type = gpt2, but only llama",
        ),
        (
            "\"tie_word_embeddings\": true",
            "\"tie_word_embeddings\": false",
            "tie_word_embeddings = false",
        ),
        ("\"vocab_size\": 16", "\"vocab_size\": 300", "`vocabulary` is 300, above the maximum 256"),
        ("\"vocab_size\": 16", "\"vocab_size\": -1", "not a Llama configuration"),
    ] {
        assert!(json.contains(from), "{from}");
        std::fs::write(&path, json.replace(from, to)).unwrap();
        let error = message(&load(folder.path()).unwrap_err());
        assert!(error.contains(expected) && error.contains("shape"), "{error}");
    }
}

#[test]
fn an_unknown_tensor_and_a_diverged_one_are_named() {
    let (folder, mut params) = saved("unknown");
    let two = Config { layers: 2, ..CONFIG };
    let bytes = to_safetensors(&two, &initial_parameters(&two, &[0; 32]), &metadata());
    std::fs::write(folder.path().join(WEIGHTS_FILE), bytes).unwrap();
    let error = message(&load(folder.path()).unwrap_err());
    assert!(error.contains("tensor `model.layers.1.input_layernorm.weight` that"), "{error}");

    params[CONFIG.parameter_count() - 1] = f32::INFINITY;
    save(folder.path(), &CONFIG, &params, &metadata()).unwrap();
    let error = message(&load(folder.path()).unwrap_err());
    assert!(error.contains("`model.norm.weight` that are not finite"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let (folder, params) = saved("blocked");
    let blocked = folder.path().join(CONFIG_FILE).join("below");
    let error = save(&blocked, &CONFIG, &params, &metadata()).unwrap_err();
    assert!(message(&error).contains("below"), "{}", message(&error));
}
