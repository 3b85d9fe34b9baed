using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Turns ids back into text. Safe to use from several threads.</summary>
internal abstract class TokenTexts
{
    /// <summary>Returns the text of some ids.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="continuation">Whether other text comes before, so that a space at the beginning is part of the text.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public abstract string Decode(ReadOnlySpan<int> ids, bool continuation);

    /// <summary>Returns a decoder that takes the ids one by one.</summary>
    /// <inheritdoc cref="Decode" path="/param[@name='continuation']"/>
    public abstract TokenDecoder CreateDecoder(bool continuation);

    /// <summary>Returns the number of UTF-8 bytes that some ids stand for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public abstract long CountBytes(ReadOnlySpan<int> ids);
}

/// <summary>
/// Turns ids into text one by one, as they are generated. The texts returned, one after the other, are the text of all ids together.
/// </summary>
internal abstract class TokenDecoder
{
    /// <summary>
    /// Takes one more id and returns the text that it completes; an empty text while the last character still lacks bytes.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    public abstract string Append(int id);

    /// <summary>Ends the text: returns U+FFFD for a character that lacks bytes, else an empty text.</summary>
    public abstract string Finish();
}

/// <summary>Text from the bytes that each token stands for. Bytes that are not UTF-8 become U+FFFD.</summary>
/// <param name="bytes">The bytes by id; empty for tokens that stand for no text.</param>
/// <param name="prefix">The spaces at the beginning of a text that are not returned.</param>
/// <param name="starters">The tokens after which a text may begin.</param>
internal sealed class TokenBytes(byte[][] bytes, DecodedPrefix prefix = DecodedPrefix.None, params int[] starters) : TokenTexts
{
    private DecodedPrefix Prefix => prefix;

    private int[] Starters => starters;

    /// <inheritdoc/>
    public override long CountBytes(ReadOnlySpan<int> ids)
    {
        long count = 0;
        foreach (int id in ids) count += Of(id).Length;
        return count;
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids, bool continuation)
    {
        var reader = new Reader(this, continuation);
        var gathered = new MemoryStream();
        foreach (int id in ids) gathered.Write(reader.Next(id));
        return Encoding.UTF8.GetString(gathered.GetBuffer(), 0, (int)gathered.Length);
    }

    /// <inheritdoc/>
    public override TokenDecoder CreateDecoder(bool continuation) => new Incremental(new Reader(this, continuation));

    private byte[] Of(int id) => (uint)id < (uint)bytes.Length
        ? bytes[id]
        : throw new ArgumentOutOfRangeException(
            nameof(id), id, $"The id {id} is outside the vocabulary, whose ids are 0 to {bytes.Length - 1}.");

    /// <summary>Gives the bytes of ids in order, without the spaces that are left out before the text.</summary>
    private sealed class Reader(TokenBytes table, bool continuation)
    {
        private readonly int[] _starters = table.Starters;
        private bool _atStart = !continuation;

        public ReadOnlySpan<byte> Next(int id)
        {
            ReadOnlySpan<byte> token = table.Of(id);
            if (table.Prefix == DecodedPrefix.None) return token;
            if (token.IsEmpty)
            {
                _atStart |= _starters.AsSpan().Contains(id);
                return token;
            }
            bool atStart = _atStart;
            _atStart = false;
            if (!atStart) return token;
            if (table.Prefix == DecodedPrefix.SpacesOfFirstToken) return token.ToArray().Where(value => value != (byte)' ').ToArray();
            return token[0] == (byte)' ' ? token[1..] : token;
        }
    }

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
