namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>
/// Turns ids into text one by one, as they are generated. What the calls return, put together, is what decoding all ids at once gives.
/// </summary>
internal abstract class TokenDecoder
{
    /// <summary>Takes one more id. Gives the text that became whole with it: none while a character still lacks bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    public abstract string Append(int id);

    /// <summary>What is left at the end: U+FFFD for a character that never became whole, else nothing.</summary>
    public abstract string Finish();
}
