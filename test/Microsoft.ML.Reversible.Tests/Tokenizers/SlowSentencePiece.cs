using System.Text;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>
/// SentencePiece's byte-pair encoding in its simplest form, over llama2.c's export of the pieces: after every merge, all pairs are searched
/// again for the best.
/// </summary>
internal sealed class SlowSentencePiece
{
    private const int FirstByteId = 3;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<float> _scores = [];

    public SlowSentencePiece(string path, int count)
    {
        using var reader = new BinaryReader(File.OpenRead(path));
        reader.ReadInt32();
        for (int id = 0; id < count; id++)
        {
            _scores.Add(reader.ReadSingle());
            string piece = Encoding.UTF8.GetString(reader.ReadBytes(reader.ReadInt32()));
            if (id >= FirstByteId + 256) _ids.TryAdd(piece, id);
        }
    }

    public int[] Encode(string text)
    {
        if (text.Length == 0) return [];
        var parts = (" " + text.Replace('\u2581', ' ')).EnumerateRunes().Select(rune => rune.ToString()).ToList();
        while (true)
        {
            (int best, float score) = (-1, float.NegativeInfinity);
            for (int i = 0; i + 1 < parts.Count; i++)
                if (_ids.TryGetValue(parts[i] + parts[i + 1], out int id) && _scores[id] > score) (best, score) = (i, _scores[id]);
            if (best < 0) break;
            parts[best] += parts[best + 1];
            parts.RemoveAt(best + 1);
        }
        return [.. parts.SelectMany(part =>
            _ids.TryGetValue(part, out int id) ? [id] : Encoding.UTF8.GetBytes(part).Select(value => value + FirstByteId))];
    }
}
