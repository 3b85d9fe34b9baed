using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Generation;

/// <summary>Continues token sequences. A sequence longer than the model's context goes on from its last tokens.</summary>
internal static class TextGenerator
{
    /// <summary>Draws tokens until the end of text or <paramref name="maxTokens"/>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The ids to continue, at least one.</param>
    /// <param name="maxTokens">The most tokens to draw, at least 0.</param>
    /// <param name="sampler">How to draw.</param>
    /// <param name="seed">Seeds the draws.</param>
    /// <param name="cancellationToken">Ends the generation with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The drawn ids, without the end of text.</returns>
    public static IEnumerable<int> Continue(
        LanguageModel model, IReadOnlyList<int> prompt, int maxTokens, TokenSampler sampler, int seed, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        List<long> ids = [.. prompt.Select(id => (long)id)];
        for (int i = 0; i < maxTokens; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // A model's vocabulary may be padded beyond the tokenizer's.
            int next = sampler.Draw(NextLogits(model.Network, ids).AsSpan(0, model.Tokenizer.VocabularySize), random);
            if (next == model.Tokenizer.EndOfTextId) yield break;
            ids.Add(next);
            yield return next;
        }
    }

    private static float[] NextLogits(LanguageNetwork model, List<long> ids)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        long[] window = [.. ids.Skip(ids.Count - model.Configuration.ContextLength)];
        Tensor stream = model.Stack.Evaluate(model.Embed(tensor(window, [1, window.Length], device: model.Device)));
        Tensor last = stream.narrow(1, window.Length - 1, 1);
        return model.Head(model.FinalNorm(last)).cpu().data<float>().ToArray();
    }
}
