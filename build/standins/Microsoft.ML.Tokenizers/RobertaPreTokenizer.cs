using System.Text.RegularExpressions;

namespace Microsoft.ML.Tokenizers;

public sealed class RobertaPreTokenizer : PreTokenizer
{
    private readonly RegexPreTokenizer _pieces = new(
        new Regex(@"'(?:[sdmt]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.Compiled), null);

    public static RobertaPreTokenizer Instance { get; } = new();

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => _pieces.PreTokenize(text);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => _pieces.PreTokenize(text);
}
