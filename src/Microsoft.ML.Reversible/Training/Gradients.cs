using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The gradients of a model's parameters.</summary>
internal static class Gradients
{
    /// <summary>Sets them to zero, making them where they are missing.</summary>
    /// <remarks>
    /// They stay allocated from step to step. Gradients that come and go between the backward pass's own tensors leave the heap in holes,
    /// whose number grows with depth.
    /// </remarks>
    public static void Zero(nn.Module model)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (Parameter parameter in model.parameters())
        {
            if (parameter.grad is { } gradient) gradient.zero_();
            else parameter.grad = zeros_like(parameter);
        }
    }
}
