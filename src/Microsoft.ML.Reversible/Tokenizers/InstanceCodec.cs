using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Encodes with a tokenizer that the caller has made.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="size">Number of ids.</param>
/// <param name="controls">The ids that stand for no text.</param>
/// <param name="special">What the tokenizer may take for a token of its own wherever it stands in a text, with the ids.</param>
/// <param name="bytes">The bytes of every token, where they are known.</param>
internal sealed class InstanceCodec(
    Tokenizer tokenizer, int size, IReadOnlySet<int> controls, IReadOnlyDictionary<string, int> special, TokenBytes? bytes) : ITokenCodec
{
    /// <summary>UTF-16 units in the longest run of text without white space, or of white space, that is handed on whole.</summary>
    /// <remarks>The package's merging takes time quadratic in such a run's length.</remarks>
    public const int Limit = 1024;

    // Words, numbers, spaces, scripts and signs: what tokenizers differ in.
    private const string Probe = "The quick\tbrown  fox's 1234 jumps —\n\n naïve 猫 😀 über, ДОМ   <s></s><|endoftext|>_x = {1};";

    private readonly HashSet<int> _specialIds = [.. special.Values];

    private readonly Regex _specialText = new(
        string.Join('|', special.Keys.Where(text => text.Length > 0).OrderByDescending(text => text.Length).Select(Regex.Escape)),
        RegexOptions.CultureInvariant);

    /// <inheritdoc/>
    public int VocabularySize => size;

    /// <inheritdoc/>
    public IReadOnlyList<int> Encode(string text)
    {
        IReadOnlyList<int> ids = EncodeStretch(text);
        return ids.Any(_specialIds.Contains) ? [.. WithoutSpecial(text).SelectMany(EncodeStretch)] : ids;
    }

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids, bool continuation) =>
        bytes is not null ? bytes.Decode(ids, continuation) : tokenizer.Decode(Text(ids));

    /// <inheritdoc/>
    public TokenDecoder CreateDecoder(bool continuation) =>
        bytes is not null ? bytes.CreateDecoder(continuation) : new Incremental(this);

    /// <inheritdoc/>
    public long CountBytes(ReadOnlySpan<int> ids) =>
        bytes is not null ? bytes.CountOf(ids) : Encoding.UTF8.GetByteCount(tokenizer.Decode(Text(ids)));

    /// <inheritdoc/>
    public void AddTo(TokenizerHash hash)
    {
        hash.Add(tokenizer.GetType().FullName ?? "");
        hash.Add(size);
        hash.Add([.. controls.Order()]);
        hash.Add([.. Encode(Probe)]);
        for (int id = 0; id < size; id++) hash.Add(Decode([id], continuation: true));
    }

    private IReadOnlyList<int> EncodeStretch(string text)
    {
        if (tokenizer is SentencePieceTokenizer pieces) return Checked(Encode(pieces, text));
        if (text.Length <= Limit) return Checked(tokenizer.EncodeToIds(text));

        var ids = new List<int>(text.Length / 4);
        int start = 0;
        foreach (int end in Ends(text))
        {
            ids.AddRange(Checked(tokenizer.EncodeToIds(text[start..end])));
            start = end;
        }
        return ids;
    }

    /// <summary>
    /// The text in parts, cut behind the first character of all that would become a special token: no text ends a document by itself.
    /// </summary>
    private IEnumerable<string> WithoutSpecial(string text)
    {
        int start = 0;
        for (Match match = _specialText.Match(text); match.Success; match = _specialText.Match(text, start))
        {
            int end = match.Index + (char.IsSurrogatePair(text, match.Index) ? 2 : 1);
            yield return text[start..end];
            start = end;
        }
        yield return text[start..];
    }

    // Where it removes extra spaces, the package's normalizer loses a text of one character.
    private static IReadOnlyList<int> Encode(SentencePieceTokenizer pieces, string text)
    {
        bool lost = pieces.Normalizer is SentencePieceNormalizer { RemoveExtraWhiteSpaces: true } && text.Trim(' ').Length == 1;
        char space = pieces.EscapeWhiteSpaces ? SentencePieceVocabulary.Space : ' ';
        return pieces.EncodeToIds(
            lost ? (pieces.AddDummyPrefix ? space.ToString() : "") + text.Trim(' ') : text,
            addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: true, considerNormalization: !lost);
    }

    private string DecodeText(List<int> ids) => tokenizer.Decode(ids);

    private List<int> Text(ReadOnlySpan<int> ids)
    {
        var kept = new List<int>(ids.Length);
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)size)
                throw new ArgumentOutOfRangeException(
                    nameof(id), id, $"The id {id} is outside the vocabulary, whose ids are 0 to {size - 1}.");
            if (!controls.Contains(id)) kept.Add(id);
        }
        return kept;
    }

    private IReadOnlyList<int> Checked(IReadOnlyList<int> ids)
    {
        foreach (int id in ids)
            if ((uint)id >= (uint)size)
                throw new InvalidOperationException(
                    $"The {tokenizer.GetType().Name} gave the id {id}, but its vocabulary is said to have {size}. Give the right size.");
        return ids;
    }

    private static IEnumerable<int> Ends(string text)
    {
        int run = 0;
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsWhiteSpace(text[i]) != char.IsWhiteSpace(text[i - 1])) run = i;
            if (i - run < Limit || char.IsLowSurrogate(text[i])) continue;
            yield return i;
            run = i;
        }
        yield return text.Length;
    }

    /// <summary>
    /// Decodes the newest ids together with those before, since the text of an id may depend on them, and holds back what ends in U+FFFD.
    /// </summary>
    private sealed class Incremental(InstanceCodec codec) : TokenDecoder
    {
        private readonly List<int> _ids = [];
        private string _context = "";
        private int _read;

        public override string Append(int id)
        {
            _ids.AddRange(codec.Text([id]));
            string text = codec.DecodeText(_ids);
            return text.Length <= _context.Length || text[^1] == '\uFFFD' ? "" : Take(text);
        }

        public override string Finish() => Take(codec.DecodeText(_ids));

        private string Take(string text)
        {
            string added = text.Length > _context.Length ? text[_context.Length..] : "";
            _ids.RemoveRange(0, _read);
            _read = _ids.Count;
            _context = codec.DecodeText(_ids);
            return added;
        }
    }
}
