namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>One way to turn text into ids and back; it knows of no documents. Safe to use from several threads.</summary>
internal interface ITokenCodec
{
    /// <summary>Number of ids, which run from 0.</summary>
    int VocabularySize { get; }

    /// <summary>The ids of a text that UTF-8 can carry, nothing added before or after.</summary>
    /// <exception cref="ArgumentException">The text has a character that the vocabulary cannot represent; the message names it.</exception>
    IReadOnlyList<int> Encode(string text);

    /// <summary>The text of some ids.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    string Decode(ReadOnlySpan<int> ids, bool continuation);

    /// <summary>The same, id by id.</summary>
    TokenDecoder CreateDecoder(bool continuation);

    /// <summary>Number of UTF-8 bytes that some ids stand for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    long CountBytes(ReadOnlySpan<int> ids);

    /// <summary>Adds to a hash all that decides which ids a text has.</summary>
    void AddTo(TokenizerHash hash);
}
