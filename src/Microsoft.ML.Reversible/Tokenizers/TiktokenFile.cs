using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Reads tiktoken's files: a line for each token, with its bytes in base 64 and its rank, which is its id.</summary>
internal static class TiktokenFile
{
    /// <summary>The extension of such files.</summary>
    public const string Extension = ".tiktoken";

    /// <summary>
    /// Reads a vocabulary. Ranks become merges: merging a token's bytes by lower ranks leaves two tokens, which are its merge.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="InvalidDataException">The file is malformed, or its tokens are not of text cut as GPT-2 does.</exception>
    public static Vocabulary Read(byte[] file, string path)
    {
        string[] tokens = ReadTokens(file, path);
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int rank = 0; rank < tokens.Length; rank++)
            if (!ranks.TryAdd(tokens[rank], rank)) throw TokenizerJson.Malformed(path, $"it has the token of id {rank} twice");

        var merges = new List<string>();
        for (int rank = 0; rank < tokens.Length; rank++)
        {
            RefuseOtherCuts(tokens[rank], path);
            if (tokens[rank].Length == 1) continue;
            List<string> parts = Split(tokens[rank], rank, ranks);
            if (parts.Count != 2)
                throw TokenizerJson.Malformed(path, $"the token of id {rank} does not come from merging two tokens of lower ids");
            merges.Add($"{parts[0]} {parts[1]}");
        }

        // Such files do not hold the end of a document; tiktoken adds it behind the ranks.
        return new(TextTokenization.Bpe, [.. tokens, Vocabulary.DefaultEndOfText], merges, Vocabulary.DefaultEndOfText);
    }

    private static string[] ReadTokens(byte[] file, string path)
    {
        var tokens = new Dictionary<int, string>();
        string[] lines = Encoding.UTF8.GetString(file).TrimStart('\uFEFF').Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0) continue;
            var bytes = new byte[line.Length];
            if (line.Length > TokenizerJson.LongestToken || line.Split(' ') is not [var text, var number]
                || !Convert.TryFromBase64String(text, bytes, out int length) || length == 0
                || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int rank)
                || !tokens.TryAdd(rank, ByteAlphabet.Write(bytes.AsSpan(0, length))))
                throw TokenizerJson.Malformed(path, $"line {i + 1} is not a token in base 64, a space and a rank of its own");
        }

        if (tokens.Count == 0) throw TokenizerJson.Malformed(path, "it has no tokens");
        foreach (int rank in tokens.Keys)
            if (rank >= tokens.Count)
                throw TokenizerJson.Malformed(
                    path, $"it has the rank {rank}, but those of {tokens.Count} tokens must be 0 to {tokens.Count - 1}");
        return [.. Enumerable.Range(0, tokens.Count).Select(rank => tokens[rank])];
    }

    private static List<string> Split(string token, int limit, Dictionary<string, int> ranks)
    {
        List<string> parts = [.. token.Select(c => c.ToString())];
        while (parts.Count > 2)
        {
            (int best, int at) = (limit, -1);
            for (int i = 0; i + 1 < parts.Count; i++)
                if (ranks.TryGetValue(parts[i] + parts[i + 1], out int rank) && rank < best) (best, at) = (rank, i);
            if (at < 0) break;
            parts[at] += parts[at + 1];
            parts.RemoveAt(at + 1);
        }
        return parts.TrueForAll(ranks.ContainsKey) ? parts : [];
    }

    // The file does not name its pre-tokenizer. A token that crosses a cut of GPT-2's shows that it is another one.
    private static void RefuseOtherCuts(string token, string path)
    {
        string text = Encoding.UTF8.GetString(ByteAlphabet.Read(token));
        if (text.Contains('\uFFFD')) return;
        if (text.Length > 0 && Gpt2PreTokenizer.EndOf(text, 0) < text.Length)
            throw new InvalidDataException(
                $"The tokenizer file '{path}' is not supported: its token '{text}' crosses a place where GPT-2 cuts text, so it " +
                "was made with another pre-tokenizer, which the file does not name. " +
                "Give the tokenizer as an instance of Microsoft.ML.Tokenizers.TiktokenTokenizer.");
    }
}
