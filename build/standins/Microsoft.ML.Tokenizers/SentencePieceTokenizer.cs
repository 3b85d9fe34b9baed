using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Tokenizers;

public class SentencePieceTokenizer : Tokenizer
{
    private readonly SentencePieceBpe _pieces;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly Regex? _special;

    internal SentencePieceTokenizer(
        SentencePieceModel model, bool addBeginningOfSentence, bool addEndOfSentence, IReadOnlyDictionary<string, int>? specialTokens)
    {
        _pieces = new SentencePieceBpe(model);
        _normalizer = new SentencePieceNormalizer(
            model.RemoveExtraWhitespaces, model.AddDummyPrefix, model.EscapeWhitespaces, model.TreatWhitespaceAsSuffix, specialTokens);
        if (specialTokens is { Count: > 0 })
            _special = new Regex(string.Join("|", specialTokens.Keys.Select(Regex.Escape)), RegexOptions.Compiled);
        SpecialTokens = specialTokens;
        AddBeginningOfSentence = addBeginningOfSentence;
        AddEndOfSentence = addEndOfSentence;
        BeginningOfSentenceId = model.BeginningId <= 0 ? 1 : model.BeginningId;
        BeginningOfSentenceToken = model.BeginningPiece;
        EndOfSentenceId = model.EndId <= 0 ? 1 : model.EndId;
        EndOfSentenceToken = model.EndPiece;
        UnknownToken = model.UnknownPiece;
        ByteFallback = model.ByteFallback;
    }

    public IReadOnlyDictionary<string, int>? SpecialTokens { get; }

    public bool ByteFallback { get; }

    public bool AddDummyPrefix => _normalizer.AddDummyPrefix;

    public bool EscapeWhiteSpaces => _normalizer.EscapeWhiteSpaces;

    public bool AddBeginningOfSentence { get; }

    public bool AddEndOfSentence { get; }

    public string BeginningOfSentenceToken { get; }

    public string EndOfSentenceToken { get; }

    public string UnknownToken { get; }

    public int BeginningOfSentenceId { get; }

    public int EndOfSentenceId { get; }

    public int UnknownId => _pieces.UnknownId;

    public override PreTokenizer? PreTokenizer => null;

    public override Normalizer? Normalizer => _normalizer;

    public IReadOnlyDictionary<string, int> Vocabulary => _pieces.Vocabulary;

    public IReadOnlyList<int> EncodeToIds(
        string text, bool addBeginningOfSentence, bool addEndOfSentence, bool considerPreTokenization = true,
        bool considerNormalization = true) =>
        Encode(text, addBeginningOfSentence, addEndOfSentence, considerNormalization, out _).ConvertAll(token => token.Id);

    public IReadOnlyList<EncodedToken> EncodeToTokens(
        string text, out string? normalizedText, bool addBeginningOfSentence, bool addEndOfSentence, bool considerPreTokenization = true,
        bool considerNormalization = true) =>
        Encode(text, addBeginningOfSentence, addEndOfSentence, considerNormalization, out normalizedText);

    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var source = text ?? textSpan.ToString();
        var tokens = Encode(source, AddBeginningOfSentence, AddEndOfSentence, settings.ConsiderNormalization, out var normalized);
        return new EncodeResults<EncodedToken>
        {
            Tokens = tokens, NormalizedText = normalized, CharsConsumed = (normalized ?? source).Length,
        };
    }

    public override string Decode(IEnumerable<int> ids) => Decode(ids, considerSpecialTokens: false);

    public string Decode(IEnumerable<int> ids, bool considerSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var (text, bytes, prefixed) = (new StringBuilder(), new List<byte>(), AddDummyPrefix);
        foreach (var id in ids)
        {
            if (ByteFallback && id >= _pieces.FirstByteId && id <= _pieces.LastByteId)
            {
                bytes.Add((byte)(id - _pieces.FirstByteId));
                continue;
            }

            FlushBytes();
            if (SpecialText(id) is { } special)
            {
                text.Append(considerSpecialTokens ? special : "");
                continue;
            }

            if (id < _pieces.FirstByteId || id >= _pieces.Texts.Count || _pieces.Texts[id] is not { Length: > 0 } piece)
                continue;
            text.Append(prefixed && piece[0] == (EscapeWhiteSpaces ? SentencePieceNormalizer.Escape : ' ') ? piece[1..] : piece);
            prefixed = false;
        }

        FlushBytes();
        return EscapeWhiteSpaces ? text.Replace(SentencePieceNormalizer.Escape, ' ').ToString() : text.ToString();

        void FlushBytes()
        {
            text.Append(Encoding.UTF8.GetString(bytes.ToArray()));
            bytes.Clear();
        }
    }

    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        var known = ids.ToArray();
        var text = Decode(known);
        (idsConsumed, charsWritten) = (0, 0);
        if (!text.AsSpan().TryCopyTo(destination))
            return OperationStatus.DestinationTooSmall;
        (idsConsumed, charsWritten) = (known.Length, text.Length);
        return OperationStatus.Done;
    }

    private List<EncodedToken> Encode(string text, bool begin, bool end, bool normalize, out string? normalized)
    {
        normalized = null;
        if (string.IsNullOrEmpty(text))
            return [];
        if (normalize)
            text = normalized = _normalizer.Normalize(text);
        if (text.Length == 0)
            return [];

        var tokens = new List<EncodedToken>();
        if (begin)
            tokens.Add(new EncodedToken(BeginningOfSentenceId, BeginningOfSentenceToken, ..0));
        var start = 0;
        for (var special = _special?.Match(text); special is { Success: true }; special = special.NextMatch())
        {
            Add(start, special.Index);
            start = special.Index + special.Length;
            tokens.Add(new EncodedToken(SpecialTokens![special.Value], special.Value, special.Index..start));
        }

        Add(start, text.Length);
        if (end)
            tokens.Add(new EncodedToken(EndOfSentenceId, EndOfSentenceToken, text.Length..text.Length));
        return tokens;

        void Add(int from, int to) => tokens.AddRange(_pieces.Encode(text[from..to]).Select(token => new EncodedToken(
            token.Id, token.Value, (token.Offset.Start.Value + from)..(token.Offset.End.Value + from))));
    }

    private string? SpecialText(int id) =>
        id == BeginningOfSentenceId ? BeginningOfSentenceToken
        : id == EndOfSentenceId ? EndOfSentenceToken
        : id == UnknownId ? UnknownToken
        : SpecialTokens?.FirstOrDefault(token => token.Value == id).Key;
}
