using Microsoft.ML.Reversible.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>Texts and weights for tests of conversions.</summary>
internal static class RetrofitTexts
{
    /// <summary>Random windows for the small models.</summary>
    /// <param name="rows">Windows.</param>
    /// <param name="context">Tokens of each.</param>
    /// <param name="seed">Seeds the ids.</param>
    /// <param name="ignored">How many targets at the end are padding.</param>
    public static TokenBatch Batch(int rows, int context, int seed, int ignored = 0)
    {
        var random = new Random(seed);
        long[] Ids() => [.. Enumerable.Range(0, rows * context).Select(_ => (long)random.Next(TestModels.SmallLlama.VocabularySize))];
        long[] inputs = Ids(), targets = Ids();
        Array.Fill(targets, TokenBatch.Ignored, targets.Length - ignored, ignored);
        return new(inputs, targets, rows);
    }

    /// <summary>Makes the weights of a new network larger, so that its layers have an effect and its distributions are not flat.</summary>
    public static void Sharpen(LanguageNetwork network, double factor = 8)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (Tensor weight in network.parameters().Where(w => w.dim() > 1)) weight.mul_(factor);
    }

    /// <summary>Copies the weights of one network to another.</summary>
    public static void CopyWeights(LanguageNetwork from, LanguageNetwork to)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach ((Tensor source, Tensor target) in from.parameters().Zip(to.parameters())) target.copy_(source);
    }
}
