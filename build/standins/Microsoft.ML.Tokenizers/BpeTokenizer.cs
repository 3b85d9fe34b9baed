using System.Buffers;
using System.Collections.ObjectModel;
using System.Text;

namespace Microsoft.ML.Tokenizers;

public sealed class BpeTokenizer : Tokenizer
{
    private readonly BpeModel _model;
    private readonly Dictionary<int, string> _specialTokenOfId = [];

    private BpeTokenizer(BpeOptions options)
    {
        _model = new BpeModel(options);
        PreTokenizer = options.PreTokenizer ?? PreTokenizer.CreateWordOrNonWord();
        Normalizer = options.Normalizer;
        ByteLevel = options.ByteLevel;
        FuseUnknownTokens = options.FuseUnknownTokens;
        UnknownToken = options.UnknownToken;
        SpecialTokens = options.SpecialTokens;
        Vocabulary = new ReadOnlyDictionary<string, int>(new Dictionary<string, int>(_model.Vocabulary));
        foreach (var (token, id) in SpecialTokens ?? new Dictionary<string, int>())
            _specialTokenOfId.Add(id, token);
    }

    public override PreTokenizer? PreTokenizer { get; }

    public override Normalizer? Normalizer { get; }

    public bool ByteLevel { get; }

    public bool FuseUnknownTokens { get; }

    public string? UnknownToken { get; }

    public IReadOnlyDictionary<string, int>? SpecialTokens { get; }

    public IReadOnlyDictionary<string, int> Vocabulary { get; }

    public static BpeTokenizer Create(BpeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new BpeTokenizer(options);
    }

    public static BpeTokenizer Create(string vocabFile, string? mergesFile)
    {
        ArgumentNullException.ThrowIfNull(vocabFile);
        using var vocabulary = File.OpenRead(vocabFile);
        using var merges = mergesFile is null ? null : File.OpenRead(mergesFile);
        return Create(vocabulary, merges);
    }

    public static BpeTokenizer Create(Stream vocabStream, Stream? mergesStream)
    {
        ArgumentNullException.ThrowIfNull(vocabStream);
        return new BpeTokenizer(new BpeOptions(BpeOptions.ReadVocabulary(vocabStream))
        {
            Merges = mergesStream is null ? null : BpeOptions.ReadMerges(mergesStream),
        });
    }

    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var input = new Input(this, text, textSpan, settings);
        var tokens = new List<EncodedToken>();
        foreach (var (offset, length) in input.Pieces)
        {
            var piece = input.Text.AsSpan(offset, length);
            if (SpecialId(piece) is { } special)
            {
                tokens.Add(new EncodedToken(special, piece.ToString(), offset..(offset + length)));
                continue;
            }

            var word = _model.Encode(piece);
            for (var i = 0; i < word.Ids.Length; i++)
            {
                var range = word.Offset(i);
                tokens.Add(new EncodedToken(
                    word.Ids[i], _model.TokenOf(word.Ids[i])!, (range.Start.Value + offset)..(range.End.Value + offset)));
            }
        }

        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = input.Normalized, CharsConsumed = input.Text.Length };
    }

    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var ids = new List<int>();
        Walk(text, textSpan, settings, ids, out var normalizedText, out var charsConsumed);
        return new EncodeResults<int> { Tokens = ids, NormalizedText = normalizedText, CharsConsumed = charsConsumed };
    }

    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        Walk(text, textSpan, settings, null, out _, out _);

    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        if (!fromEnd)
        {
            tokenCount = Walk(text, textSpan, settings, null, out normalizedText, out var charsConsumed);
            return charsConsumed;
        }

        RequirePositive(settings.MaxTokenCount);
        var input = new Input(this, text, textSpan, settings);
        normalizedText = input.Normalized;
        tokenCount = 0;
        foreach (var (offset, length) in input.Pieces.Reverse())
        {
            var (start, taken) = (0, 1);
            if (SpecialId(input.Text.AsSpan(offset, length)) is null)
            {
                var word = _model.Encode(input.Text.AsSpan(offset, length));
                taken = Math.Min(word.Ids.Length, settings.MaxTokenCount - tokenCount);
                start = word.StartOfLast(taken);
            }

            tokenCount += taken;
            if (start > 0 || tokenCount >= settings.MaxTokenCount)
                return offset + start;
        }

        return 0;
    }

    public override string Decode(IEnumerable<int> ids) => Decode(ids, considerSpecialTokens: true);

    public string Decode(IEnumerable<int> ids, bool considerSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tokens = ids.Select(id => TokenText(id, considerSpecialTokens)).OfType<string>();
        if (!ByteLevel)
            return string.Concat(tokens);

        var bytes = new List<byte>();
        foreach (var token in tokens)
            ByteAlphabet.Decode(token, bytes);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten) =>
        Decode(ids, destination, considerSpecialTokens: true, out idsConsumed, out charsWritten);

    public OperationStatus Decode(
        IEnumerable<int> ids, Span<char> destination, bool considerSpecialTokens, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        (idsConsumed, charsWritten) = (0, 0);
        var pending = new List<byte>();
        var hanging = 0;
        foreach (var id in ids)
        {
            hanging++;
            var token = TokenText(id, considerSpecialTokens);
            if (token is null && ByteLevel && !_specialTokenOfId.ContainsKey(id))
                return OperationStatus.InvalidData;

            var written = token ?? "";
            if (ByteLevel)
            {
                ByteAlphabet.Decode(written, pending);
                switch (Utf8Status(pending))
                {
                    case OperationStatus.InvalidData:
                        return OperationStatus.InvalidData;
                    case OperationStatus.NeedMoreData:
                        continue;
                }

                written = Encoding.UTF8.GetString(pending.ToArray());
                pending.Clear();
            }

            if (!written.AsSpan().TryCopyTo(destination[charsWritten..]))
                return OperationStatus.DestinationTooSmall;
            charsWritten += written.Length;
            idsConsumed += hanging;
            hanging = 0;
        }

        return OperationStatus.Done;
    }

    private static OperationStatus Utf8Status(List<byte> bytes)
    {
        ReadOnlySpan<byte> rest = bytes.ToArray();
        while (!rest.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(rest, out _, out var consumed);
            if (status != OperationStatus.Done)
                return status;
            rest = rest[consumed..];
        }

        return OperationStatus.Done;
    }

    /// <summary>Counts the tokens within the limit, and collects their ids where there is a list for them.</summary>
    private int Walk(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, List<int>? ids,
        out string? normalizedText, out int charsConsumed)
    {
        RequirePositive(settings.MaxTokenCount);
        var input = new Input(this, text, textSpan, settings);
        normalizedText = input.Normalized;
        charsConsumed = 0;
        var count = 0;
        foreach (var (offset, length) in input.Pieces)
        {
            var piece = input.Text.AsSpan(offset, length);
            if (SpecialId(piece) is { } special)
            {
                ids?.Add(special);
                (count, charsConsumed) = (count + 1, offset + length);
            }
            else
            {
                var word = _model.Encode(piece);
                var taken = Math.Min(word.Ids.Length, settings.MaxTokenCount - count);
                ids?.AddRange(taken == word.Ids.Length ? word.Ids : word.Ids[..taken]);
                (count, charsConsumed) = (count + taken, offset + word.CharsOfFirst(taken));
            }

            if (count >= settings.MaxTokenCount)
                break;
        }

        return count;
    }

    private string? TokenText(int id, bool considerSpecialTokens)
    {
        if (_specialTokenOfId.TryGetValue(id, out var special))
            return considerSpecialTokens ? special : null;
        return id == _model.UnknownId && !considerSpecialTokens && !ByteLevel ? null : _model.TokenOf(id);
    }

    private int? SpecialId(ReadOnlySpan<char> piece) =>
        SpecialTokens is { Count: > 0 } special && special.TryGetValue(piece.ToString(), out var id) ? id : null;

    private static void RequirePositive(int maxTokenCount)
    {
        if (maxTokenCount <= 0)
            throw new ArgumentOutOfRangeException(nameof(maxTokenCount), "The maximum number of tokens must be greater than zero.");
    }

    private readonly struct Input
    {
        public Input(BpeTokenizer tokenizer, string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        {
            Text = text ?? textSpan.ToString();
            if (Text.Length == 0)
            {
                Pieces = [];
                return;
            }

            if (settings.ConsiderNormalization && tokenizer.Normalizer is { } normalizer)
                Text = Normalized = normalizer.Normalize(Text);
            Pieces = settings.ConsiderPreTokenization ? tokenizer.PreTokenizer!.PreTokenize(Text) : [(0, Text.Length)];
        }

        public string Text { get; }

        public string? Normalized { get; }

        public IEnumerable<(int Offset, int Length)> Pieces { get; }
    }
}
