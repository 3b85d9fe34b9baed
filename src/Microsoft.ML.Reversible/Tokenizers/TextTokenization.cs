namespace Microsoft.ML.Reversible;

/// <summary>How text is divided into tokens when a language model is trained on it.</summary>
public enum TextTokenization
{
    /// <summary>
    /// Every Unicode character of the training text is a token, and end-of-text is one more. Small vocabularies and simple
    /// models; text with a character that the training text does not hold cannot be encoded.
    /// </summary>
    Character,

    /// <summary>
    /// Every byte of the text's UTF-8 is a token, and end-of-text is one more: always 257 tokens. Any text can be encoded.
    /// </summary>
    Byte,

    /// <summary>
    /// Byte-level byte-pair encoding with GPT-2's rules, learned from the training text: the bytes, frequent byte sequences and
    /// end-of-text. The fewest tokens for a text. Any text can be encoded.
    /// </summary>
    Bpe,
}
