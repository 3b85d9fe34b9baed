using System.Text;

namespace Microsoft.ML.Tokenizers;

public sealed class SentencePieceNormalizer : Normalizer
{
    internal const char Escape = '\u2581';

    public SentencePieceNormalizer(
        bool removeExtraWhiteSpaces, bool addDummyPrefix, bool escapeWhiteSpaces, bool treatWhitespaceAsSuffix,
        IReadOnlyDictionary<string, int>? specialTokens)
    {
        if (treatWhitespaceAsSuffix)
            throw new NotSupportedException("The stand-in knows no white space as suffix.");
        RemoveExtraWhiteSpaces = removeExtraWhiteSpaces;
        AddDummyPrefix = addDummyPrefix;
        EscapeWhiteSpaces = escapeWhiteSpaces;
        SpecialTokens = specialTokens;
    }

    public bool RemoveExtraWhiteSpaces { get; }

    public bool AddDummyPrefix { get; }

    public bool EscapeWhiteSpaces { get; }

    public bool TreatWhitespaceAsSuffix { get; }

    public IReadOnlyDictionary<string, int>? SpecialTokens { get; }

    public override string Normalize(string original) =>
        string.IsNullOrEmpty(original) ? "" : Normalize(original.AsSpan());

    public override string Normalize(ReadOnlySpan<char> original)
    {
        var text = original;
        if (RemoveExtraWhiteSpaces)
        {
            text = text.Trim(' ');

            // The real package loses a text of one character here; so does this, that nobody leans on the contrary.
            if (text.Length == 1)
                return "";
        }

        var space = EscapeWhiteSpaces ? Escape : ' ';
        var result = new StringBuilder(text.Length + 1);
        if (AddDummyPrefix)
        {
            while (LeadingSpecial(text) is { Length: > 0 } special)
            {
                result.Append(special);
                text = text[special.Length..];
            }

            if (SpecialTokens is null || text.Length > 0)
                result.Append(space);
        }

        for (var i = 0; i < text.Length; i++)
            if (text[i] != ' ')
                result.Append(text[i]);
            else if (!RemoveExtraWhiteSpaces || i == 0 || text[i - 1] != ' ')
                result.Append(space);
        return result.ToString();
    }

    private string LeadingSpecial(ReadOnlySpan<char> text)
    {
        foreach (var token in SpecialTokens?.Keys ?? [])
            if (token.Length > 0 && text.StartsWith(token, StringComparison.Ordinal))
                return token;
        return "";
    }
}
