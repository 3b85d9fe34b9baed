using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Copies a trained network's weights into a network of another scheme, or with more token ids.</summary>
internal static class Conversion
{
    /// <summary>Creates a network with the same shape and weights.</summary>
    /// <param name="teacher">The trained network.</param>
    /// <param name="scheme">The recurrence over its layers.</param>
    /// <param name="options">The options, which give precision, arithmetic and backward mode.</param>
    /// <param name="device">The device of the new network.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    /// <exception cref="ArgumentException">The scheme does not support the arithmetic or backward mode in the options.</exception>
    public static LanguageNetwork Convert(LanguageNetwork teacher, Scheme scheme, TrainingOptions options, Device device)
    {
        scheme = scheme.ForTrainedWeights();
        return Make(teacher, teacher.Configuration, scheme, options.Arithmetic ?? scheme.DefaultArithmetic, options, device);
    }

    /// <summary>
    /// Creates a network with the same scheme and weights. Token ids that the network does not have yet begin at the mean of the others, in
    /// the embedding and in the head.
    /// </summary>
    /// <param name="network">The trained network.</param>
    /// <param name="vocabularySize">The number of token ids, at least the network's.</param>
    /// <param name="options">The options, which give precision, arithmetic and backward mode.</param>
    /// <param name="device">The device of the new network.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    /// <exception cref="ArgumentException">The scheme does not support the arithmetic or backward mode in the options.</exception>
    public static LanguageNetwork Copy(LanguageNetwork network, int vocabularySize, TrainingOptions options, Device device) => Make(
        network, network.Configuration with { VocabularySize = vocabularySize }, network.Stack.Scheme,
        options.Arithmetic ?? network.Stack.Arithmetic, options, device);

    /// <summary>Creates a network that is never trained with the same scheme and weights, as <see cref="Copy"/> does.</summary>
    /// <param name="network">The trained network.</param>
    /// <param name="vocabularySize">The number of token ids, at least the network's.</param>
    /// <param name="frozen">The number type of the weights.</param>
    /// <param name="device">The device of the new network.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    public static LanguageNetwork CopyFrozen(LanguageNetwork network, int vocabularySize, Precision frozen, Device device)
    {
        LayerStack stack = network.Stack;
        LanguageNetwork made = (network.Configuration with { VocabularySize = vocabularySize }).Build(
            stack.Scheme, stack.BackwardMode, stack.Arithmetic,
            network.Compute == ScalarType.BFloat16 ? Precision.BFloat16 : Precision.Float32, device, seed: null, frozen);
        CopyWeights(network, made);
        return made;
    }

    /// <summary>Copies the weights to a network of the same shape, or with more token ids.</summary>
    public static void CopyWeights(LanguageNetwork teacher, LanguageNetwork student)
    {
        using var noGraph = no_grad();
        foreach (var (from, to) in teacher.Weights().Zip(student.Weights())) CopyWeight(from, to);
    }

    /// <summary>Sets rows of the embedding and of the head to the mean of the others.</summary>
    /// <param name="network">The network, which is changed.</param>
    /// <param name="ids">The token ids of the rows; fewer than the network has.</param>
    public static void SetToMean(LanguageNetwork network, IReadOnlyCollection<int> ids)
    {
        if (ids.Count == 0) return;
        using var noGraph = no_grad();
        foreach (Tensor matrix in new Tensor[] { network.EmbeddingWeights.First(), network.HeadWeight }.Distinct())
        {
            using var scope = NewDisposeScope();
            Tensor rows = tensor(ids.Select(id => (long)id).ToArray(), device: matrix.device);
            Tensor sum = matrix.sum(0, type: ScalarType.Float64) - matrix.index_select(0, rows).sum(0, type: ScalarType.Float64);
            Tensor mean = (sum / (matrix.shape[0] - ids.Count)).to(matrix.dtype);
            matrix.index_copy_(0, rows, mean.expand(ids.Count, -1));
        }
    }

    private static LanguageNetwork Make(
        LanguageNetwork from, LanguageModelConfiguration shape, Scheme scheme, Arithmetic arithmetic, TrainingOptions options,
        Device device)
    {
        LanguageNetwork made = shape.Build(
            scheme, options.BackwardMode ?? scheme.DefaultBackwardMode(arithmetic), arithmetic, options.Precision, device, seed: null);
        CopyWeights(from, made);
        return made;
    }

    private static void CopyWeight(NamedWeight from, NamedWeight to)
    {
        using var scope = NewDisposeScope();
        Tensor source = from.Merged(), target = to.View();
        long rows = source.shape[0], added = target.shape[0] - rows;
        target.narrow(0, 0, rows).copy_(source);
        if (added > 0) target.narrow(0, rows, added).copy_(source.mean([0], keepdim: true));
    }
}
