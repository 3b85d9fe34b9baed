using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>SentencePiece over a vocabulary with byte fallback, in plain loops: merges the best pair repeatedly.</summary>
internal sealed class PlainSentencePiece
{
    private const int BeginOfText = 1, FirstByte = 3;
    private const char Blank = '▁';

    private readonly Dictionary<string, (int Id, double Score)> _pieces = [];
    private readonly ConcurrentDictionary<string, int[]> _words = [];

    /// <summary>Reads the text form of a vocabulary: piece, tab, score, in the order of the ids.</summary>
    public PlainSentencePiece(string path)
    {
        foreach (string line in File.ReadLines(path))
        {
            int tab = line.LastIndexOf('\t');
            _pieces.Add(line[..tab], (_pieces.Count, double.Parse(line[(tab + 1)..], CultureInfo.InvariantCulture)));
        }
        Assert.IsFalse(_pieces.Keys.Any(piece => piece.LastIndexOf(Blank) > 0), "a piece goes over a blank");
    }

    /// <summary>Begin-of-text and the ids of the text, as the tokenizer of a Llama gives them by default.</summary>
    public List<int> EncodeWithBegin(string text) => [BeginOfText, .. Encode(text)];

    /// <summary>The ids of the text alone. No piece goes over a blank, so the words are merged one by one.</summary>
    public IEnumerable<int> Encode(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(word => _words.GetOrAdd(Blank + word, Merge));

    private int[] Merge(string word)
    {
        var symbols = word.EnumerateRunes().Select(rune => rune.ToString()).ToList();
        while (BestPair(symbols) is int at and >= 0)
        {
            symbols[at] += symbols[at + 1];
            symbols.RemoveAt(at + 1);
        }
        return [.. symbols.SelectMany(Ids)];
    }

    private int BestPair(List<string> symbols)
    {
        (int best, double score) = (-1, double.NegativeInfinity);
        for (int i = 0; i + 1 < symbols.Count; i++)
            if (_pieces.TryGetValue(symbols[i] + symbols[i + 1], out var piece) && piece.Score > score)
                (best, score) = (i, piece.Score);
        return best;
    }

    private IEnumerable<int> Ids(string symbol) =>
        _pieces.TryGetValue(symbol, out var piece) ? [piece.Id] : Encoding.UTF8.GetBytes(symbol).Select(value => value + FirstByte);
}
