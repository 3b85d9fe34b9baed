using System.Collections.Concurrent;

namespace Microsoft.ML.Tokenizers;

/// <summary>Vocabulary and merges: turns one piece of text into ids. Safe to use from several threads, as the real package is.</summary>
internal sealed class BpeModel
{
    private const int CacheCapacity = 10_000;
    private const int LongestCached = 15;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _tokens = [];
    private readonly BytePairMerger _merger = new();
    private readonly ConcurrentDictionary<string, BpeWord> _cache = new(StringComparer.Ordinal);
    private readonly bool _byteLevel;
    private readonly bool _fuseUnknown;

    public BpeModel(BpeOptions options)
    {
        foreach (var (token, id) in options.Vocabulary)
        {
            _ids.Add(token, id);
            _tokens.Add(id, token);
        }

        if (_ids.Count == 0)
            throw new InvalidOperationException("The vocabulary cannot be empty.");

        _byteLevel = options.ByteLevel;
        _fuseUnknown = options.FuseUnknownTokens;
        if (options.UnknownToken is { } unknown)
            UnknownId = _ids.TryGetValue(unknown, out var id)
                ? id
                : throw new InvalidOperationException($"Unknown Token '{unknown}' was not present in 'Vocabulary'.");

        foreach (var merge in options.Merges ?? [])
        {
            var parts = merge?.Split(' ');
            if (parts is not [var left, { Length: > 0 } right])
                throw new InvalidOperationException("Invalid merger file format");
            _merger.Add(IdOf(left), IdOf(right), IdOf(left + right));
        }
    }

    public IReadOnlyDictionary<string, int> Vocabulary => _ids;

    public int? UnknownId { get; }

    public string? TokenOf(int id) => _tokens.GetValueOrDefault(id);

    public BpeWord Encode(ReadOnlySpan<char> piece)
    {
        if (piece.Length > LongestCached)
            return EncodeAnew(piece);

        var key = piece.ToString();
        if (_cache.TryGetValue(key, out var known))
            return known;

        var word = EncodeAnew(piece);
        if (_cache.Count < CacheCapacity)
            _cache.TryAdd(key, word);
        return word;
    }

    private BpeWord EncodeAnew(ReadOnlySpan<char> piece)
    {
        int[]? charIndex = null;
        var units = piece;
        if (_byteLevel)
        {
            (var encoded, charIndex) = ByteAlphabet.Encode(piece);
            units = encoded;
        }

        var (ids, lengths) = Symbols(units);
        _merger.Merge(ids, lengths);

        var ends = new int[lengths.Count];
        for (int i = 0, end = 0; i < ends.Length; i++)
            ends[i] = end += lengths[i];
        return new BpeWord(ids.ToArray(), ends, charIndex, piece.Length);
    }

    private (List<int> Ids, List<int> Lengths) Symbols(ReadOnlySpan<char> units)
    {
        var ids = new List<int>(units.Length);
        var lengths = new List<int>(units.Length);
        for (int i = 0, length; i < units.Length; i += length)
        {
            length = i + 1 < units.Length && char.IsSurrogatePair(units[i], units[i + 1]) ? 2 : 1;
            var known = _ids.TryGetValue(units.Slice(i, length).ToString(), out var id);
            if (!known && UnknownId is not { } _)
                continue;

            id = known ? id : UnknownId!.Value;
            if (!known && _fuseUnknown && ids.Count > 0 && ids[^1] == id)
            {
                lengths[^1] += length;
                continue;
            }

            ids.Add(id);
            lengths.Add(length);
        }

        return (ids, lengths);
    }

    private int IdOf(string token) => _ids.TryGetValue(token, out var id)
        ? id
        : throw new InvalidOperationException($"Trying to merge a token '{token}' which not exist in the vocabulary.");
}
