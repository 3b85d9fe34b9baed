namespace Microsoft.ML.Reversible.Storage;

/// <summary>Recognizes a folder whose weights are in a format that is not read.</summary>
internal static class OtherFormats
{
    private const string Convert = "AutoModelForCausalLM.from_pretrained(folder";
    private const string Save = ".save_pretrained(folder, safe_serialization=True)";

    /// <summary>The files' names, and what to do about them; the first that a folder has is named.</summary>
    private static readonly (string Pattern, string Advice)[] _formats =
    [
        ("model-*-of-*.safetensors", $"which need the index {WeightIndex.FileName}: download it too"),
        ("pytorch_model*.bin", $"which PyTorch wrote: convert the model with transformers, {Convert}){Save}"),
        ("adapter_model.*", "an adapter without its model: load the model that it was made for, and give LoadAdapter this folder"),
        ("*.gguf", $"in llama.cpp's format: convert the model with transformers, {Convert}, gguf_file=name){Save}"),
        ("consolidated*.pth", "in Meta's format: convert the model with transformers' convert_llama_weights_to_hf.py"),
        ("tf_model*.h5", $"in TensorFlow's format: convert the model with transformers, {Convert}, from_tf=True){Save}"),
        ("flax_model*.msgpack", $"in Flax's format: convert the model with transformers, {Convert}, from_flax=True){Save}"),
        ("*.onnx", "in ONNX, which cannot be converted back: download the model from which it was made"),
        ("*.safetensors", $"which is not named {WeightFiles.SingleFile}: rename it if it holds the whole model"),
    ];

    /// <summary>Returns a sentence, after a space, about the weights that a folder has instead; empty if it has none.</summary>
    public static string Describe(string folder)
    {
        foreach ((string pattern, string advice) in _formats)
        {
            string? found = Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal).FirstOrDefault();
            if (found is not null) return $" It has '{Path.GetFileName(found)}', {advice}.";
        }
        return "";
    }
}
