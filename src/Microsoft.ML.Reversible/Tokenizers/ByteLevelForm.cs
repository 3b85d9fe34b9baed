using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Reads the tokenizer.json of a byte-level BPE.</summary>
internal static class ByteLevelForm
{
    /// <summary>Reads the vocabulary. The caller must check it.</summary>
    /// <exception cref="InvalidDataException">The file is of another form.</exception>
    public static Vocabulary Read(TokenizerJsonFile file, TokenizerConfiguration configuration, SpecialIds special, string path)
    {
        bool normalizes = false;
        foreach (JsonElement normalizer in file.Sequence("normalizer", "normalizers"))
        {
            if (normalizer.TextOf("type") != "NFC") throw file.Unsupported($"it normalizes text by {normalizer.TextOf("type")}");
            normalizes = true;
        }
        (bool addsPrefixSpace, List<string> cuts) = ReadPreTokenizer(file);

        TokenTable table = TokenTable.Of(file.Tokens, file.Added, configuration, path);
        foreach (AddedToken token in table.Literals.Values)
            if (normalizes && token.IsNormalized)
                throw file.Unsupported($"its added token '{token.Content}' is searched in normalized text");
        (string, string, string) ends = special.In(table.Texts, configuration, path, file.TemplateBegin());
        return Vocabulary.Of(TextTokenization.Bpe, table, file.Merges, ends) with
        {
            Cuts = cuts, PreTokenizer = MakePreTokenizer(cuts, file), AddsPrefixSpace = addsPrefixSpace,
            NormalizesToFormC = normalizes, IgnoresMerges = file.Model.IsTrue("ignore_merges"),
        };
    }

    private static (bool AddsPrefixSpace, List<string> Cuts) ReadPreTokenizer(TokenizerJsonFile file)
    {
        IReadOnlyList<JsonElement> parts = file.Sequence("pre_tokenizer", "pretokenizers");
        if (parts.Count == 0) throw file.Unsupported("it does not cut text into pieces");
        List<string> cuts = [.. parts.SkipLast(1).Select(part => ReadCut(part, file))];
        JsonElement last = parts[^1];
        if (last.TextOf("type") != "ByteLevel") throw file.Unsupported($"it cuts text by {last.TextOf("type")}");
        if (!last.TryGet("use_regex", out JsonElement regex) || regex.ValueKind == JsonValueKind.True)
            cuts.Add(Gpt2PreTokenizer.Expression);
        if (cuts.Count == 0) throw file.Unsupported("it does not cut text into pieces");

        if (!last.TryGet("add_prefix_space", out _)) throw file.Malformed("ByteLevel lacks add_prefix_space");
        bool addsSpace = last.IsTrue("add_prefix_space");
        if (addsSpace && parts.Count > 1) throw file.Unsupported("it puts a space before every piece of a text");
        return (addsSpace, cuts);
    }

    private static string ReadCut(JsonElement part, TokenizerJsonFile file)
    {
        switch (part.TextOf("type"))
        {
            case "Digits": return part.IsTrue("individual_digits") ? @"\p{N}" : @"\p{N}+";
            case "Split" when part.TryGet("pattern", out JsonElement pattern) && pattern.TextOf("Regex") is { } expression:
                if (part.TextOf("behavior") != "Isolated" || part.IsTrue("invert"))
                    throw file.Unsupported($"it cuts text with the behavior {part.TextOf("behavior")}, and only Isolated is read");
                return expression;
            case var type: throw file.Unsupported($"it cuts text by {type}");
        }
    }

    private static PreTokenizer MakePreTokenizer(List<string> cuts, TokenizerJsonFile file)
    {
        List<PreTokenizer> made = [.. cuts.Select(Make)];
        return made.Count == 1 ? made[0] : new SplitSequence(made);

        PreTokenizer Make(string expression)
        {
            if (expression == Gpt2PreTokenizer.Expression) return Gpt2PreTokenizer.Instance;
            try
            {
                return new SplitPattern(expression);
            }
            catch (FormatException e)
            {
                throw file.Unsupported($"it cuts text by the regular expression '{expression}': {e.Message}");
            }
        }
    }
}
