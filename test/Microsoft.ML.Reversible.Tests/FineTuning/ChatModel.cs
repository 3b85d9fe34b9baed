namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>A small model that has learned to answer ping with pong, in the format zephyr.</summary>
internal static class ChatModel
{
    /// <summary>The text of its answers.</summary>
    public const string Answer = "pong";

    /// <summary>Trains the model. The rows are stretches between the tokens that end a turn.</summary>
    public static ReversibleLmTransformer Train(int contextLength = 96)
    {
        var ml = new MLContext(seed: 1);
        ReversibleLmTrainer.Options options = Corpus.QuickOptions;
        (options.ContextLength, options.MaxSteps, options.Scheme) = (contextLength, 120, Scheme.Residual);
        string[] rows = [.. Enumerable.Repeat((string[])["\n<|user|>\nping", $"\n<|assistant|>\n{Answer}"], 300).SelectMany(row => row)];
        return ml.Reversible().LanguageModel(options).Fit(Corpus.View(ml, rows));
    }
}
