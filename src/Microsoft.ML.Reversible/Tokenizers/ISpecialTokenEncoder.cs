namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>A tokenizer that can find special tokens in text, as a rendered conversation has them.</summary>
internal interface ISpecialTokenEncoder
{
    /// <summary>Returns the ids of a text in which the texts of special tokens stand for these tokens.</summary>
    /// <param name="text">Well-formed text.</param>
    int[] EncodeWithSpecial(string text);
}
