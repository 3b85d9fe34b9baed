using System.Text.RegularExpressions;

namespace Microsoft.ML.Tokenizers;

public abstract class PreTokenizer
{
    private static readonly Regex _wordOrNonWord = new(@"\w+|[^\w\s]+", RegexOptions.Compiled);

    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(string text);

    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text);

    /// <summary>What a BpeTokenizer uses when given none: white space between the pieces belongs to no piece and is lost.</summary>
    public static PreTokenizer CreateWordOrNonWord(IReadOnlyDictionary<string, int>? specialTokens = null) =>
        new RegexPreTokenizer(_wordOrNonWord, specialTokens);
}
