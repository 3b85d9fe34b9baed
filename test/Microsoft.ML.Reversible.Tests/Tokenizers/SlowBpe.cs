using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>Byte-pair learning for ASCII rows in its simplest form: all pairs are counted again for every merge.</summary>
internal static class SlowBpe
{
    public static string[] Learn(string[] rows, int count)
    {
        var pieces = rows
            .SelectMany(row => RobertaPreTokenizer.Instance.PreTokenize(row).Select(piece => row.Substring(piece.Offset, piece.Length)))
            .Select(piece => piece.Select(c => c.ToString()).ToList())
            .ToList();
        var merges = new string[count];
        for (int n = 0; n < count; n++)
        {
            var (left, right) = pieces
                .SelectMany(piece => piece.Zip(piece.Skip(1)))
                .GroupBy(pair => pair)
                .OrderByDescending(group => group.Count())
                .ThenByDescending(group => group.Key.First, StringComparer.Ordinal)
                .ThenByDescending(group => group.Key.Second, StringComparer.Ordinal)
                .First().Key;
            merges[n] = left.Replace(' ', 'Ġ') + " " + right.Replace(' ', 'Ġ');
            foreach (var piece in pieces)
                for (int i = 0; i + 1 < piece.Count; i++)
                    if (piece[i] == left && piece[i + 1] == right)
                    {
                        piece[i] += right;
                        piece.RemoveAt(i + 1);
                    }
        }
        return merges;
    }
}
