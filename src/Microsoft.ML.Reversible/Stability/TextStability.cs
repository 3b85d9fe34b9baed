using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Reversible.Views;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Analyses a language model at the streams that text leads to.</summary>
internal static class TextStability
{
    /// <summary>Analyses the model on the first windows of the data.</summary>
    /// <param name="model">The model.</param>
    /// <param name="textColumnName">The data's text column.</param>
    /// <param name="data">The data; only as many rows are read as the windows need.</param>
    /// <param name="windowCount">The most windows to take, at least 1.</param>
    /// <param name="krylovDimension">Steps of the eigenvalue iteration, and the most of the singular value iteration; at least 1.</param>
    /// <param name="seed">Seeds the iteration and what the scheme draws.</param>
    /// <param name="cancellationToken">Ends the analysis.</param>
    public static StabilityReport Analyze(
        LanguageModel model,
        string textColumnName,
        IDataView data,
        int windowCount,
        int krylovDimension,
        int seed,
        CancellationToken cancellationToken)
    {
        Positive(windowCount, nameof(windowCount));
        Positive(krylovDimension, nameof(krylovDimension));
        using var scope = NewDisposeScope();
        using var modes = AutogradModes.Default();
        using var noGraph = no_grad();
        LanguageNetwork network = model.Network;
        IEnumerable<string> texts = TextColumn.Read(data, textColumnName);
        Tensor[] inputs = [.. Windows(texts, model.Tokenizer, network.Configuration.ContextLength, windowCount)
            .Select(window => network.Embed(tensor(window, [1, window.Length], device: network.Device)))];
        return new StabilityAnalysis(network.Stack, krylovDimension, seed).Run(inputs, cancellationToken);
    }

    /// <summary>
    /// The first windows, one after the other, without overlap. A text shorter than the context is one window of its own length.
    /// </summary>
    private static IEnumerable<long[]> Windows(IEnumerable<string> texts, LanguageModelTokenizer tokenizer, int context, int windowCount)
    {
        List<long> ids = [];
        foreach (string text in texts.Where(text => text.Length > 0))
        {
            ids.AddRange(TokenPacker.Pack(text, tokenizer).Select(id => (long)id));
            if (ids.Count >= (long)context * windowCount) break;
        }
        if (ids.Count == 0) throw new InvalidOperationException("The data has no rows with text. Give at least one row that is not empty.");
        int length = Math.Min(context, ids.Count);
        return ids.Chunk(length).Where(window => window.Length == length).Take(windowCount);
    }

    private static void Positive(int value, string name)
    {
        if (value < 1) throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1.");
    }
}
