using Microsoft.ML.Reversible.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>Puts a trained network's weights under another recurrence.</summary>
internal static class Conversion
{
    /// <summary>Makes a network of the same shape and weights.</summary>
    /// <param name="teacher">The trained network.</param>
    /// <param name="scheme">The recurrence over its layers.</param>
    /// <param name="training">Say how the network computes and is run back.</param>
    /// <param name="device">Where the weights are made.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    /// <exception cref="ArgumentException">The scheme cannot be run as asked for.</exception>
    public static LanguageNetwork Convert(
        LanguageNetwork teacher, Scheme scheme, ReversibleLmTrainer.Options training, Device device)
    {
        scheme = scheme.ForTrainedWeights();
        Arithmetic arithmetic = training.Arithmetic ?? scheme.DefaultArithmetic;
        LanguageNetwork student = teacher.Configuration.Build(
            scheme, training.WayBack ?? scheme.DefaultWayBack(arithmetic), arithmetic, training.Precision, device, seed: null);
        using var noGraph = no_grad();
        foreach (var (from, to) in teacher.Weights().Zip(student.Weights())) Copy(from, to);
        return student;
    }

    private static void Copy(NamedWeight from, NamedWeight to)
    {
        using var scope = NewDisposeScope();
        to.View().copy_(from.View());
    }
}
