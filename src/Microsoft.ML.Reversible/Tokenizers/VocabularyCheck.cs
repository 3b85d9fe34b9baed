using System.Buffers;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Finds what is wrong with a vocabulary that was read from files, before a tokenizer trips over it.</summary>
internal static class VocabularyCheck
{
    /// <exception cref="InvalidDataException">The vocabulary is malformed; the message names the file and what is wrong.</exception>
    public static void Check(Vocabulary vocabulary, string vocabularyPath, string mergesPath)
    {
        var tokens = new HashSet<string>(StringComparer.Ordinal);
        foreach (string token in vocabulary.Tokens)
            if (token.Length > 0 && !tokens.Add(token)) throw Malformed(vocabularyPath, $"it has the token '{token}' twice");
        if (!tokens.Contains(vocabulary.EndOfText))
            throw Malformed(vocabularyPath, $"it lacks the token '{vocabulary.EndOfText}', which ends a document");
        if (!tokens.Contains(vocabulary.BeginOfText))
            throw Malformed(vocabularyPath, $"it lacks the token '{vocabulary.BeginOfText}', which comes before a document");
        if (!tokens.Contains(vocabulary.Prefix))
            throw Malformed(
                vocabularyPath,
                $"it lacks the token '{vocabulary.Prefix}', which tokenizer_config.json or special_tokens_map.json has as bos_token");

        for (int id = 0; id < vocabulary.Tokens.Count; id++)
            if (!vocabulary.Controls.Contains(id) && !vocabulary.Literals.Contains(id)
                && vocabulary.Tokens[id] is var token && token != vocabulary.EndOfText && token != vocabulary.BeginOfText
                && !Fits(token, vocabulary.Kind))
                throw Malformed(vocabularyPath, $"the token '{token}' of id {id} is not {Form(vocabulary.Kind)}");

        if (vocabulary.Kind != TextTokenization.Bpe && vocabulary.Merges.Count > 0)
            throw Malformed(mergesPath, $"it has merges, which {vocabulary.Kind} tokenization does not know");

        HashSet<string> marks = [vocabulary.EndOfText, vocabulary.BeginOfText, .. vocabulary.Controls.Select(id => vocabulary.Tokens[id])];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string merge in vocabulary.Merges)
        {
            if (!seen.Add(merge)) throw Malformed(mergesPath, $"it has the merge '{merge}' twice");
            string[] parts = merge.Split(' ');
            if (marks.Contains(string.Concat(parts)))
                throw Malformed(mergesPath, $"the merge '{merge}' makes a mark, which no text may");
            foreach (string part in (string[])[.. parts, string.Concat(parts)])
                if (!tokens.Contains(part))
                    throw Malformed(mergesPath, $"the merge '{merge}' needs the token '{part}', which the vocabulary lacks");
        }
    }

    private static bool Fits(string token, TextTokenization kind) => kind switch
    {
        TextTokenization.Character => Rune.DecodeFromUtf16(token, out _, out int length) == OperationStatus.Done && length == token.Length,
        TextTokenization.Byte => token.Length == 1 && ByteAlphabet.Covers(token),
        _ => token.Length > 0 && ByteAlphabet.Covers(token),
    };

    private static string Form(TextTokenization kind) => kind switch
    {
        TextTokenization.Character => "one character",
        TextTokenization.Byte => "one byte in GPT-2's byte alphabet",
        _ => "written in GPT-2's byte alphabet",
    };

    private static InvalidDataException Malformed(string path, string reason) =>
        new($"The tokenizer file '{path}' is malformed: {reason}.");
}
