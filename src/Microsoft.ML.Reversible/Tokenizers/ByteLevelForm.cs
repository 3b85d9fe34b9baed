using System.Text.Json;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>tokenizer.json of a byte-level BPE whose text is cut as GPT-2 does.</summary>
internal static class ByteLevelForm
{
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Reads the vocabulary, which is yet to be checked.</summary>
    /// <exception cref="InvalidDataException">The file is of another form.</exception>
    public static Vocabulary Read(TokenizerJsonFile file, TokenizerConfiguration configuration, SpecialIds special, string path)
    {
        if (file.Sequence("normalizer", "normalizers") is [var normalizer, ..])
            throw file.Unsupported($"it normalizes text by {normalizer.TextOf("type")}");
        bool splitsDigits = ReadPreTokenizer(file);

        var tokens = new string[file.IdCount];
        Array.Fill(tokens, "");
        foreach ((int id, string token) in file.Tokens) tokens[id] = token;
        (HashSet<int> controls, HashSet<int> literals) = ([], []);
        foreach (AddedToken token in file.Added)
        {
            if (!token.IsSpecial && token.TakesMore) throw file.Unsupported($"its added token '{token.Content}' takes more than its text");
            if (tokens[token.Id].Length > 0 && tokens[token.Id] != token.Content)
                throw file.Malformed($"'{tokens[token.Id]}' and '{token.Content}' both have the id {token.Id}");
            tokens[token.Id] = token.Content;
            (token.IsSpecial ? controls : literals).Add(token.Id);
        }
        for (int id = 0; id < tokens.Length; id++)
            if (tokens[id].Length == 0) controls.Add(id);

        (string end, string begin, string prefix) = special.In(tokens, configuration, path, file.TemplateBegin());
        literals.RemoveWhere(id => tokens[id] == end || tokens[id] == begin);
        return new(TextTokenization.Bpe, tokens, file.Merges, end)
        {
            BeginOfText = begin, Prefix = prefix, Controls = controls, Literals = literals, SplitsDigits = splitsDigits,
        };
    }

    private static bool ReadPreTokenizer(TokenizerJsonFile file)
    {
        IReadOnlyList<JsonElement> parts = file.Sequence("pre_tokenizer", "pretokenizers");
        if (parts.Count == 0) throw file.Unsupported("it does not cut text into pieces");
        JsonElement last = parts[^1];
        if (last.TextOf("type") != "ByteLevel") throw file.Unsupported($"it cuts text by {last.TextOf("type")}");
        if (!last.TryGet("add_prefix_space", out JsonElement prefix) || prefix.ValueKind != JsonValueKind.False)
            throw file.Unsupported("it puts a space before every text");
        bool cuts = !last.TryGet("use_regex", out JsonElement regex) || regex.ValueKind == JsonValueKind.True;
        if (parts.Count == 1 && cuts) return false;
        if (parts is [var digits, _] && cuts && digits.TextOf("type") == "Digits" && digits.IsTrue("individual_digits")) return true;
        if (parts is [var split, _] && !cuts && split.TextOf("type") == "Split" && split.TextOf("behavior") == "Isolated"
            && split.TryGet("pattern", out JsonElement pattern) && pattern.TextOf("Regex") == Gpt2Pattern)
            return false;
        throw file.Unsupported("it cuts text otherwise than GPT-2");
    }
}
