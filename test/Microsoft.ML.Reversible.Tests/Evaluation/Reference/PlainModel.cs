namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>The trained model of the tests' data as the reference reads it.</summary>
internal static class PlainModel
{
    public static PlainReader Reader() => new(TestData.Require("stories260k/hf-llama-form"));

    public static PlainSentencePiece Tokenizer() => new(TestData.Require("stories260k/tok512.vocab"));

    public static PlainScorer Scorer() => new(Reader(), Tokenizer());
}
