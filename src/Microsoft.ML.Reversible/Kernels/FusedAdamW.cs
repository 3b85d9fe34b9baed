using System.Collections.Concurrent;
using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>
/// Takes a step of AdamW in libtorch's fused kernel, which TorchSharp has no method for. It reads and writes each number once; composed of
/// single operations, a step makes eight passes and a temporary tensor of the parameters' size.
/// </summary>
internal static class FusedAdamW
{
    private static readonly ConcurrentDictionary<Constants, ScriptFunction> _functions = new();

    /// <summary>Updates parameters and moments in place, float32, all contiguous and of one shape. Call it under no_grad.</summary>
    /// <param name="values">The parameters.</param>
    /// <param name="gradient">The gradient. With a divisor it is overwritten by the quotient.</param>
    /// <param name="first">The running mean of the gradient.</param>
    /// <param name="second">The running mean of the squared gradient.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="divisor">What the gradient is divided by; 1 leaves it unchanged.</param>
    /// <param name="constants">AdamW's constants.</param>
    /// <returns>Whether the step was taken; if not, this libtorch has no such kernel and nothing was changed.</returns>
    public static bool TryStep(
        Tensor values, Tensor gradient, Tensor first, Tensor second, long step, double rate, double divisor, Constants constants)
    {
        using var scope = NewDisposeScope();
        bool divides = divisor != 1;
        ScriptFunction function = _functions.GetOrAdd(constants with { Divides = divides }, Script);
        Tensor count = full([], (float)step, dtype: ScalarType.Float32, device: values.device);
        // The kernel takes the rate from the host without waiting for the device.
        Tensor learningRate = tensor(rate, dtype: ScalarType.Float64, device: CPU);
        Tensor[] scale = divides ? [full([], (float)divisor, dtype: ScalarType.Float32, device: values.device)] : [];
        return function.TryInvoke([values, gradient, first, second, count, learningRate, .. scale]) is not null;
    }

    /// <remarks>The compiler drops a call in place whose list is not used afterwards, so the result is taken from the list.</remarks>
    private static ScriptFunction Script(Constants c)
    {
        (string parameter, string argument) = c.Divides ? (", divisor", "divisor") : ("", "None");
        return new ScriptFunction(
            "fused_adamw",
            $"""
            def fused_adamw(values, gradient, first, second, count, rate{parameter}):
                all = [values]
                torch._fused_adamw_(
                    all, [gradient], [first], [second], [], [count], lr=rate, beta1={Text(c.Beta1)}, beta2={Text(c.Beta2)},
                    weight_decay={Text(c.WeightDecay)}, eps={Text(c.Epsilon)}, amsgrad=False, maximize=False, grad_scale={argument},
                    found_inf=None)
                return all[0]
            """);
    }

    private static string Text(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        return text.Contains('.') || text.Contains('e') ? text : text + ".0";
    }

    /// <summary>The constants of AdamW.</summary>
    /// <param name="Beta1">Decay of the gradient's running mean.</param>
    /// <param name="Beta2">Decay of the squared gradient's running mean.</param>
    /// <param name="Epsilon">The constant added to the denominator.</param>
    /// <param name="WeightDecay">Decoupled weight decay.</param>
    /// <param name="Divides">Whether the gradient is divided.</param>
    internal readonly record struct Constants(double Beta1, double Beta2, double Epsilon, double WeightDecay, bool Divides = false);
}
