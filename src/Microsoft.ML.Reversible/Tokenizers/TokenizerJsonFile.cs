using System.Text.Json;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Hugging Face's tokenizer.json in the two forms that language models have: byte-level BPE (<see cref="ByteLevelForm"/>), and BPE with
/// byte fallback (<see cref="LlamaForm"/>). Others are refused.
/// </summary>
internal sealed class TokenizerJsonFile
{
    /// <summary>The file's name.</summary>
    public const string FileName = "tokenizer.json";

    private readonly string _path;

    private TokenizerJsonFile(JsonElement root, string path)
    {
        (Root, _path) = (root, path);
        if (!root.TryGet("model", out JsonElement model) || model.ValueKind != JsonValueKind.Object) throw Malformed("it has no model");
        Model = model;

        // Old files do not name the type.
        if (model.TextOf("type") is { } type && type != "BPE") throw Unsupported($"its model is of the type {type}, and only BPE is read");
        if (!model.TryGet("vocab", out JsonElement vocabulary) || vocabulary.ValueKind != JsonValueKind.Object)
            throw Malformed("its model has no vocab of tokens with ids");
        foreach (string affix in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (model.TextOf(affix) is { Length: > 0 }) throw Unsupported($"its model has a {affix}");
        if (model.IsTrue("ignore_merges") && model.IsTrue("byte_fallback")) throw Unsupported("its model has ignore_merges");
        if (model.TryGet("dropout", out JsonElement dropout) && dropout.GetRawText() is not ("0" or "0.0"))
            throw Unsupported("its model has dropout");
        if (!model.TryGet("merges", out JsonElement merges) || merges.ValueKind != JsonValueKind.Array)
            throw Malformed("its model has no list of merges");

        Tokens = TokenizerJson.ReadIds(vocabulary, path);
        Added = [.. root.ItemsOf("added_tokens").Select(ReadAdded)];
        Merges = [.. merges.EnumerateArray().Select(ReadMerge)];
    }

    /// <summary>The whole file.</summary>
    public JsonElement Root { get; }

    /// <summary>Its member "model".</summary>
    public JsonElement Model { get; }

    /// <summary>The model's tokens by id.</summary>
    public IReadOnlyDictionary<int, string> Tokens { get; }

    /// <summary>The tokens that are found in text before the model encodes the rest.</summary>
    public IReadOnlyList<AddedToken> Added { get; }

    /// <summary>Pairs of tokens with a space between, the first to apply first.</summary>
    public IReadOnlyList<string> Merges { get; }

    /// <summary>Reads a file's bytes.</summary>
    /// <exception cref="InvalidDataException">The file is malformed or of a form not supported; the message says which.</exception>
    public static TokenizerParts Read(byte[] file, string path, TokenizerConfiguration configuration, SpecialIds special)
    {
        using JsonDocument document = TokenizerJson.ParseObject(file, path);
        return TokenizerJson.Unescaped(path, () =>
        {
            var content = new TokenizerJsonFile(document.RootElement, path);
            if (content.Model.IsTrue("byte_fallback"))
            {
                SentencePieceVocabulary pieces = LlamaForm.Read(content, configuration, path);
                return TokenizerParts.Of(pieces, special.In(pieces, configuration, path), "LlamaTokenizerFast");
            }

            Vocabulary vocabulary = ByteLevelForm.Read(content, configuration, special, path);
            vocabulary.Check(path, path);
            return TokenizerParts.Of(vocabulary, "PreTrainedTokenizerFast");
        });
    }

    /// <summary>Returns the token that the post-processor puts before a text; null where it puts none.</summary>
    public string? TemplateBegin()
    {
        if (!Root.TryGet("post_processor", out JsonElement processor)) return null;
        foreach (JsonElement part in processor.ItemsOf("processors").Prepend(processor))
            if (part.TextOf("type") == "TemplateProcessing"
                && part.ItemsOf("single").FirstOrDefault().TryGet("SpecialToken", out JsonElement token))
                return token.TextOf("id");
        return null;
    }

    /// <summary>Returns the parts of a normalizer or pre-tokenizer, which may be one, a sequence or none.</summary>
    public IReadOnlyList<JsonElement> Sequence(string name, string items)
    {
        if (!Root.TryGet(name, out JsonElement part)) return [];
        return part.TextOf("type") == "Sequence" ? [.. part.ItemsOf(items)] : [part];
    }

    /// <summary>Returns the exception for a malformed file.</summary>
    public InvalidDataException Malformed(string reason) => TokenizerJson.Malformed(_path, reason);

    /// <summary>Returns the exception for a file of another form.</summary>
    public InvalidDataException Unsupported(string reason) => new(
        $"The tokenizer file '{_path}' is not supported: {reason}. Byte-level BPE and Llama's BPE with byte fallback are supported; " +
        "for others, give the tokenizer as an instance of Microsoft.ML.Tokenizers.Tokenizer.");

    private AddedToken ReadAdded(JsonElement token) =>
        token.TryGet("id", out JsonElement number) && number.TryGetWhole(out int id) && id >= 0
            ? AddedToken.Read(token, id, _path)
            : throw Malformed($"an added token is {token.GetRawText()} and must have an id and content");

    // Older files write a pair as one text, newer ones as two.
    private string ReadMerge(JsonElement merge)
    {
        string? text = merge.ValueKind switch
        {
            JsonValueKind.String => merge.GetString(),
            JsonValueKind.Array when merge.GetArrayLength() == 2
                && merge.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String)
                => $"{merge[0].GetString()} {merge[1].GetString()}",
            _ => null,
        };
        return text?.Split(' ') is [{ Length: > 0 }, { Length: > 0 }]
            ? text
            : throw Malformed($"the merge {merge.GetRawText()} is not two tokens without spaces");
    }
}
