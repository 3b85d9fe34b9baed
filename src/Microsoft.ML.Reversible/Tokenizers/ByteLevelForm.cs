using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Reads the tokenizer.json of a byte-level BPE.</summary>
internal static class ByteLevelForm
{
    private const string TypeName = "ByteLevel";

    /// <summary>Returns whether the last part of a file's pre-tokenizer writes bytes as characters.</summary>
    public static bool IsFormOf(TokenizerJsonFile file) =>
        file.Sequence("pre_tokenizer", "pretokenizers") is [.., var last] && last.TextOf("type") == TypeName;

    /// <summary>Reads the vocabulary. The caller must check it.</summary>
    /// <exception cref="InvalidDataException">The file is of another form.</exception>
    public static Vocabulary Read(TokenizerJsonFile file, TokenizerConfiguration configuration, SpecialIds special, string path)
    {
        if (file.Model.IsTrue("byte_fallback")) throw file.Unsupported("it has both ByteLevel and byte_fallback");
        TextNormalizer normalizer = TextNormalizer.Read(file);
        (bool addsPrefixSpace, List<(string Name, PreTokenizer Cut)> cuts) = ReadPreTokenizer(file);
        PostProcessor around = PostProcessor.Read(file);
        foreach (JsonElement decoder in file.Sequence("decoder", "decoders"))
            if (decoder.TextOf("type") != TypeName) throw file.Unsupported($"its decoder is {decoder.TextOf("type")}");

        TokenTable table = TokenTable.Of(file.Tokens, file.Added, configuration, path);
        (string End, string, string) ends = special.In(table.Texts, configuration, path, around.Before);
        return Vocabulary.Of(TextTokenization.Bpe, table, file.Merges, ends) with
        {
            Cuts = [.. cuts.Select(cut => cut.Name)],
            PreTokenizer = cuts.Count == 1 ? cuts[0].Cut : new SplitSequence([.. cuts.Select(cut => cut.Cut)]),
            AddsPrefixSpace = addsPrefixSpace,
            Normalizer = normalizer,
            IgnoresMerges = file.Model.IsTrue("ignore_merges"),
            EndsTexts = file.EndsTexts(around, ends.End),
        };
    }

    private static (bool AddsPrefixSpace, List<(string Name, PreTokenizer Cut)> Cuts) ReadPreTokenizer(TokenizerJsonFile file)
    {
        IReadOnlyList<JsonElement> parts = file.Sequence("pre_tokenizer", "pretokenizers");
        List<(string Name, PreTokenizer Cut)> cuts = [.. parts.SkipLast(1).Select(part => ReadCut(part, file))];
        JsonElement last = parts[^1];
        if (!last.TryGet("use_regex", out JsonElement regex) || regex.ValueKind == JsonValueKind.True)
            cuts.Add((Gpt2PreTokenizer.Expression, Gpt2PreTokenizer.Instance));
        if (cuts.Count == 0) throw file.Unsupported("it does not cut text into pieces");

        if (!last.TryGet("add_prefix_space", out _)) throw file.Malformed("ByteLevel lacks add_prefix_space");
        bool addsSpace = last.IsTrue("add_prefix_space");
        if (addsSpace && parts.Count > 1) throw file.Unsupported("it puts a space before every piece of a text");
        return (addsSpace, cuts);
    }

    private static (string Name, PreTokenizer Cut) ReadCut(JsonElement part, TokenizerJsonFile file)
    {
        TextCut cut = TextCut.Read(part, file);
        return (cut.Name, cut.Name == Gpt2PreTokenizer.Expression ? Gpt2PreTokenizer.Instance : cut);
    }
}
