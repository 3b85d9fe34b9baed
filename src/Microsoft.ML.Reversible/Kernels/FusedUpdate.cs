using System.Collections.Concurrent;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>
/// Steps of hidden states on CUDA as one kernel each, which libtorch's compiler makes from a TorchScript function. A kernel also writes the
/// bfloat16 copy that the next block reads, so that the hidden state is not read once more for it.
/// </summary>
/// <remarks>
/// In exact arithmetic, and for gradients, each result equals that of the separate operations to the bit: products are with powers of two
/// or exact in float64, so it makes no difference whether a multiplication and an addition are fused. The first calls are not fused.
/// </remarks>
/// <param name="grid">The grid of exact arithmetic; null for float32 hidden states.</param>
internal sealed class FusedUpdate(Grid? grid) : IDisposable
{
    private const int ScalarOfFloat32 = 6, ScalarOfFloat64 = 7, ScalarOfBFloat16 = 15, ScalarOfByte = 0;

    private static readonly ConcurrentDictionary<string, ScriptFunction> _functions = [];

    private (Tensor State, Tensor Read)? _made;

    /// <summary>Returns an instance for hidden states that bfloat16 blocks read on CUDA; null for others.</summary>
    public static FusedUpdate? For(Device device, ScalarType blockType, ScalarType stateType, Grid? grid) =>
        device.type == DeviceType.CUDA && blockType == ScalarType.BFloat16 && stateType is ScalarType.Float32 or ScalarType.Float64
            ? new(grid)
            : null;

    /// <summary>Computes state + factor·f, f rounded to the grid if there is one; null where that cannot be compiled.</summary>
    public Tensor? TryAdd(Tensor state, Tensor f, double factor)
    {
        string increment = grid is null
            ? $"f.to({ScalarOfFloat32}){Times(factor)}"
            : Rounded($"f.to({ScalarOfFloat64}){Times(factor)}");
        return Made(Call(
            "add", ["state", "f"],
            [$"sum = state + {increment}", $"return sum, sum.to({ScalarOfBFloat16})"],
            [state, f]))?[0];
    }

    /// <summary>Computes BDIA's p⁺, and the remainders of p⁻ as bytes; null where that cannot be compiled.</summary>
    public (Tensor Next, Tensor Remainder)? TryBlend(Tensor previous, Tensor current, Tensor f, Tensor gamma, int k)
    {
        double unit = grid!.Unit;
        Tensor[]? made = Made(Call(
            "blend", ["previous", "current", "f", "gamma"],
            [
                $"quotient = torch.floor(previous{Times(1 / (k * unit))})",
                $"remainder = previous{Times(1 / unit)} - quotient{Times(k)}",
                .. Rest(),
                $"next = quotient * gamma{Times(k * unit)} + rest",
                $"return next, next.to({ScalarOfBFloat16}), remainder.to({ScalarOfByte})",
            ],
            [previous, current, f, gamma.reshape(-1, 1, 1)]));
        return made is null ? null : (made[0], made[2]);
    }

    /// <summary>Computes BDIA's p⁻ from its remainders as bytes, of p⁺'s shape; null where that cannot be compiled.</summary>
    public Tensor? TryUnblend(Tensor next, Tensor current, Tensor f, Tensor gamma, Tensor remainder) => Made(Call(
        "unblend", ["next", "current", "f", "gamma", "remainder"],
        [
            .. Rest(),
            $"previous = (next - rest) / gamma + remainder.to({ScalarOfFloat64}){Times(grid!.Unit)}",
            $"return previous, previous.to({ScalarOfBFloat16})",
        ],
        [next, current, f, gamma.reshape(-1, 1, 1), remainder]))?[0];

    /// <summary>
    /// Computes γ g and sum + (1-γ) g of a gradient g, for γ of [batch, 1, 1] or a scalar, powers of two; null where that cannot be
    /// compiled.
    /// </summary>
    public static (Tensor OfPrevious, Tensor OfCurrent)? TryBlendAdjoint(Tensor gradient, Tensor sum, Tensor gamma)
    {
        Tensor[]? made = Call(
            "adjoint", ["gradient", "sum", "gamma"], ["part = gradient * gamma", "return part, sum + (gradient - part)"],
            [gradient, sum, gamma.reshape(-1, 1, 1)]);
        return made is null ? null : (made[0], made[1]);
    }

    /// <summary>Computes factor·x in bfloat16, for factors of [batch, 1, 1] or a scalar; null where that cannot be compiled.</summary>
    public static Tensor? TryScale(Tensor x, Tensor factor) => Call(
        "scale", ["x", "factor"], [$"return (x * factor).to({ScalarOfBFloat16})"], [x, factor.reshape(-1, 1, 1)])?[0];

    /// <summary>Returns the bfloat16 copy that the last step made, if this is its result, else null; in the current scope.</summary>
    public Tensor? TakeRead(Tensor state)
    {
        if (_made is not { } made || !ReferenceEquals(made.State, state)) return null;
        _made = null;
        using Tensor read = made.Read;
        return read.alias();
    }

    /// <inheritdoc/>
    public void Dispose() => Forget();

    /// <summary>BDIA's Q[(1-γ) p + (1+γ) f].</summary>
    private string[] Rest() => [$"x = f.to({ScalarOfFloat64})", $"rest = {Rounded("((x - current) * gamma + x + current)")}"];

    private string Rounded(string x) => string.Create(CultureInfo.InvariantCulture, $"(({x} + {grid!.Anchor:F1}) - {grid.Anchor:F1})");

    private static Tensor[]? Call(string name, string[] inputs, string[] lines, Tensor[] values)
    {
        string script = string.Concat([$"def {name}({string.Join(", ", inputs)}):\n", .. lines.Select(line => $"    {line}\n")]);
        return _functions.GetOrAdd(script, text => new ScriptFunction(name, text)).TryInvokeMany(values);
    }

    private Tensor[]? Made(Tensor[]? results)
    {
        Forget();
        if (results is not null) _made = (results[0], results[1].DetachFromDisposeScope());
        return results;
    }

    private void Forget()
    {
        _made?.Read.Dispose();
        _made = null;
    }

    /// <summary>
    /// Returns the text of a multiplication by a float32 number, as an integer and powers of two with few digits: the compiler writes
    /// constants with 16 digits, and 2⁻²⁴ has 17.
    /// </summary>
    private static string Times(double factor)
    {
        const int mostAtOnce = 12;
        double integer = (float)factor;
        int exponent = 0;
        for (; integer != Math.Round(integer); exponent++) integer *= 2;
        string products = integer == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" * ({integer:F1})");
        for (; exponent > 0; exponent -= mostAtOnce)
            products += string.Create(CultureInfo.InvariantCulture, $" * {Math.ScaleB(1, -Math.Min(exponent, mostAtOnce)):F12}");
        return products;
    }
}
