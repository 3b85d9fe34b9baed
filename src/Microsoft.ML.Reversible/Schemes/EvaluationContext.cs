using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Schemes;

/// <summary>
/// What the functions of one evaluation read in addition to their input, such as the keys and values of earlier tokens. The stack passes
/// it on to the functions and does not read it.
/// </summary>
internal abstract class EvaluationContext : IDisposable
{
    /// <summary>Returns the context in which a layer's function evaluates the function of the layer before it.</summary>
    public virtual EvaluationContext OfLayerBefore() => this;

    public virtual void Dispose()
    {
    }
}

/// <summary>A function that reads the context of its evaluation.</summary>
internal interface IContextFunction
{
    /// <summary>Evaluates the function.</summary>
    /// <param name="input">Hidden states, of shape [rows, tokens, width].</param>
    /// <param name="context">The context; null if there is none.</param>
    /// <returns>A tensor of the input's shape, in the caller's dispose scope.</returns>
    Tensor Forward(Tensor input, EvaluationContext? context);
}

/// <summary>Evaluates functions that may or may not read a context.</summary>
internal static class ContextFunctions
{
    /// <summary>Evaluates a function. With a context, a function that does not read it must treat each token by itself.</summary>
    public static Tensor At(this Block f, Tensor input, EvaluationContext? context) =>
        context is not null && f is IContextFunction function ? function.Forward(input, context) : f.call(input);
}
