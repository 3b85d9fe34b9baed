using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>The bytes that each token of a vocabulary stands for.</summary>
/// <param name="bytes">The bytes by id; none for tokens that stand for no text.</param>
/// <param name="starters">
/// Where a text begins with a space that is no part of it, the tokens before a text; empty where texts begin without one.
/// </param>
internal sealed class TokenBytes(byte[][] bytes, params int[] starters)
{
    /// <summary>Number of ids, which run from 0.</summary>
    public int Count => bytes.Length;

    /// <summary>Number of bytes that some ids stand for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public long CountOf(ReadOnlySpan<int> ids)
    {
        long count = 0;
        foreach (int id in ids) count += Of(id).Length;
        return count;
    }

    /// <summary>The text of some ids; bytes that are no UTF-8 come out as U+FFFD.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="continuation">Whether other text comes before, so that a space at the beginning is part of the text.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool continuation)
    {
        var reader = new Reader(this, continuation);
        var gathered = new MemoryStream();
        foreach (int id in ids) gathered.Write(reader.Next(id));
        return Encoding.UTF8.GetString(gathered.GetBuffer(), 0, (int)gathered.Length);
    }

    /// <summary>The same, id by id.</summary>
    public TokenDecoder CreateDecoder(bool continuation) => new Incremental(new Reader(this, continuation));

    private byte[] Of(int id) => (uint)id < (uint)bytes.Length
        ? bytes[id]
        : throw new ArgumentOutOfRangeException(
            nameof(id), id, $"The id {id} is outside the vocabulary, whose ids are 0 to {bytes.Length - 1}.");

    private sealed class Reader(TokenBytes table, bool continuation)
    {
        private readonly int[] _starters = table.Starters;
        private bool _atStart = !continuation && table.Starters.Length > 0;

        public ReadOnlySpan<byte> Next(int id)
        {
            ReadOnlySpan<byte> token = table.Of(id);
            if (_starters.Length == 0) return token;
            if (token.IsEmpty)
            {
                _atStart |= _starters.AsSpan().Contains(id);
                return token;
            }
            bool skip = _atStart && token[0] == (byte)' ';
            _atStart = false;
            return skip ? token[1..] : token;
        }
    }

    private int[] Starters => starters;

    private sealed class Incremental(Reader reader) : TokenDecoder
    {
        private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();

        public override string Append(int id) => Read(reader.Next(id), flush: false);

        public override string Finish() => Read([], flush: true);

        private string Read(ReadOnlySpan<byte> token, bool flush)
        {
            var text = new char[_utf8.GetCharCount(token, flush)];
            return new string(text, 0, _utf8.GetChars(token, text, flush));
        }
    }
}
