using System.Buffers;
using System.Text;

namespace Microsoft.ML.Tokenizers;

public sealed class TiktokenTokenizer : Tokenizer
{
    private readonly Dictionary<string, int> _ranks = new(StringComparer.Ordinal);
    private readonly Dictionary<int, byte[]> _bytes = [];

    private TiktokenTokenizer(
        Stream vocabulary, PreTokenizer? preTokenizer, Normalizer? normalizer, IReadOnlyDictionary<string, int>? specialTokens)
    {
        (PreTokenizer, Normalizer, SpecialTokens) = (preTokenizer, normalizer, specialTokens);
        try
        {
            using var reader = new StreamReader(vocabulary, leaveOpen: true);
            while (reader.ReadLine() is { } line)
            {
                if (line.Split(' ') is not [{ Length: > 0 } token, var rank])
                    throw new FormatException("Invalid format in the BPE vocab file stream");
                var id = int.Parse(rank, System.Globalization.CultureInfo.InvariantCulture);
                _bytes[id] = Convert.FromBase64String(token);
                _ranks[Encoding.Latin1.GetString(_bytes[id])] = id;
            }
        }
        catch (FormatException e)
        {
            throw new InvalidOperationException($"Failed to load from BPE vocab file stream: {e.Message}", e);
        }

        foreach (var (token, id) in specialTokens ?? new Dictionary<string, int>())
            _bytes[id] = Encoding.UTF8.GetBytes(token);
    }

    public override PreTokenizer? PreTokenizer { get; }

    public override Normalizer? Normalizer { get; }

    public IReadOnlyDictionary<string, int>? SpecialTokens { get; }

    public static TiktokenTokenizer Create(
        Stream vocabStream, PreTokenizer? preTokenizer, Normalizer? normalizer, IReadOnlyDictionary<string, int>? specialTokens = null,
        int cacheSize = 8192)
    {
        ArgumentNullException.ThrowIfNull(vocabStream);
        return new TiktokenTokenizer(vocabStream, preTokenizer, normalizer, specialTokens);
    }

    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var source = text ?? textSpan.ToString();
        var normalized = settings.ConsiderNormalization ? Normalizer?.Normalize(source) : null;
        source = normalized ?? source;
        var pieces = settings.ConsiderPreTokenization && PreTokenizer is { } cutter ? cutter.PreTokenize(source) : [(0, source.Length)];
        var tokens = new List<EncodedToken>();
        foreach (var (offset, length) in pieces.Where(piece => piece.Length > 0))
        {
            var piece = source.Substring(offset, length);
            if (SpecialTokens?.TryGetValue(piece, out var special) is true)
            {
                tokens.Add(new EncodedToken(special, piece, offset..(offset + length)));
                continue;
            }

            tokens.AddRange(Merge(Encoding.UTF8.GetBytes(piece))
                .Select(id => new EncodedToken(id, Encoding.UTF8.GetString(_bytes[id]), offset..(offset + length))));
        }

        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalized, CharsConsumed = source.Length };
    }

    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return Encoding.UTF8.GetString(ids.SelectMany(id => _bytes.GetValueOrDefault(id) ?? []).ToArray());
    }

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        var known = ids.ToArray();
        var text = Decode(known);
        (idsConsumed, charsWritten) = (0, 0);
        if (!known.All(_bytes.ContainsKey))
            return OperationStatus.InvalidData;
        if (!text.AsSpan().TryCopyTo(destination))
            return OperationStatus.DestinationTooSmall;
        (idsConsumed, charsWritten) = (known.Length, text.Length);
        return OperationStatus.Done;
    }

    private IEnumerable<int> Merge(byte[] piece)
    {
        var parts = piece.Select(value => ((char)value).ToString()).ToList();
        while (true)
        {
            var (best, at) = (int.MaxValue, -1);
            for (var i = 0; i + 1 < parts.Count; i++)
                if (_ranks.TryGetValue(parts[i] + parts[i + 1], out var rank) && rank < best)
                    (best, at) = (rank, i);
            if (at < 0)
                return parts.Select(part => _ranks[part]);
            parts[at] += parts[at + 1];
            parts.RemoveAt(at + 1);
        }
    }
}
