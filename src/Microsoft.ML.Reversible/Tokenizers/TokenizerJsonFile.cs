using System.Text.Json;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Hugging Face's tokenizer.json in the two forms that language models have: byte-level BPE (<see cref="ByteLevelForm"/>), and BPE or
/// Unigram over characters (<see cref="PieceForm"/>). Others are refused.
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
        Added = [.. root.ItemsOf("added_tokens").Select(ReadAdded)];

        // Old files do not name the type.
        switch (model.TextOf("type"))
        {
            case "Unigram":
                (Tokens, Scores) = ReadUnigram();
                break;
            case null or "BPE":
                RefuseOtherBpe();
                Tokens = model.TryGet("vocab", out JsonElement vocabulary) && vocabulary.ValueKind == JsonValueKind.Object
                    ? TokenizerJson.ReadIds(vocabulary, path)
                    : throw Malformed("its model has no vocab of tokens with ids");
                Merges = model.TryGet("merges", out JsonElement merges) && merges.ValueKind == JsonValueKind.Array
                    ? [.. merges.EnumerateArray().Select(ReadMerge)]
                    : throw Malformed("its model has no list of merges");
                break;
            case var type: throw Unsupported($"its model is of the type {type}");
        }
    }

    /// <summary>The whole file.</summary>
    public JsonElement Root { get; }

    /// <summary>Its member "model".</summary>
    public JsonElement Model { get; }

    /// <summary>The model's tokens by id.</summary>
    public IReadOnlyDictionary<int, string> Tokens { get; }

    /// <summary>The tokens that are found in text before the model encodes the rest.</summary>
    public IReadOnlyList<AddedToken> Added { get; }

    /// <summary>Pairs of tokens with a space between, the first to apply first; none for Unigram.</summary>
    public IReadOnlyList<string> Merges { get; } = [];

    /// <summary>The scores of a Unigram model's tokens, their logarithms of probability, by id; null for BPE.</summary>
    public IReadOnlyList<double>? Scores { get; }

    /// <summary>Reads a file's bytes.</summary>
    /// <exception cref="InvalidDataException">The file is malformed or of a form not supported; the message says which.</exception>
    public static TokenizerParts Read(byte[] file, string path, TokenizerConfiguration configuration, SpecialIds special)
    {
        using JsonDocument document = TokenizerJson.ParseObject(file, path);
        return TokenizerJson.Unescaped(path, () =>
        {
            var content = new TokenizerJsonFile(document.RootElement, path);
            if (content.Scores is not null || !ByteLevelForm.IsFormOf(content))
            {
                SentencePieceVocabulary pieces = PieceForm.Read(content, configuration, path);
                (int End, int, int) ids = special.In(pieces, configuration, path);
                pieces = pieces with { EndsTexts = content.EndsTexts(PostProcessor.Read(content), pieces.Pieces[ids.End].Text) };
                return TokenizerParts.Of(pieces, ids, "LlamaTokenizerFast");
            }

            Vocabulary vocabulary = ByteLevelForm.Read(content, configuration, special, path);
            vocabulary.Check(path, path);
            return TokenizerParts.Of(vocabulary, "PreTrainedTokenizerFast");
        });
    }

    /// <summary>Returns the text of a token of the model, or of an added one; null if there is none of that id.</summary>
    public string? TokenOf(int id) => Tokens.GetValueOrDefault(id) ?? Added.FirstOrDefault(token => token.Id == id)?.Content;

    /// <summary>Returns whether the token that ends a document is also put after every text.</summary>
    /// <exception cref="InvalidDataException">Another token is put there.</exception>
    public bool EndsTexts(PostProcessor around, string end) => around.After is null
        ? false
        : around.After == end
            ? true
            : throw Unsupported(
                $"its post_processor puts '{around.After}' after a text, which is not the token '{end}' that ends a document");

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
        $"The tokenizer file '{_path}' is not supported: {reason}. docs/models.md lists what is read; for others, give the tokenizer as " +
        "an instance of Microsoft.ML.Tokenizers.Tokenizer.");

    private void RefuseOtherBpe()
    {
        foreach (string affix in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (Model.TextOf(affix) is { Length: > 0 }) throw Unsupported($"its model has a {affix}");
        if (Model.TryGet("dropout", out JsonElement dropout) && dropout.GetRawText() is not ("0" or "0.0"))
            throw Unsupported("its model has dropout");
    }

    private (Dictionary<int, string> Tokens, List<double> Scores) ReadUnigram()
    {
        var tokens = new Dictionary<int, string>();
        var scores = new List<double>();
        foreach (JsonElement pair in Model.ItemsOf("vocab"))
        {
            if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2 || pair[0].ValueKind != JsonValueKind.String
                || pair[1].ValueKind != JsonValueKind.Number || !pair[1].TryGetDouble(out double score) || !double.IsFinite(score))
                throw Malformed($"its model's vocab has {pair.GetRawText()}, which is not a token with its score");
            tokens.Add(tokens.Count, pair[0].GetString()!);
            scores.Add(score);
        }
        return tokens.Count > 0 ? (tokens, scores) : throw Malformed("its model has no vocab of tokens with scores");
    }

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
