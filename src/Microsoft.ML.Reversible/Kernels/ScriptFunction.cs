using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>
/// A function in TorchScript, for operations of libtorch that TorchSharp has no method for. It is compiled at its first call, once per
/// process; gradients flow through it, and it may be called from several threads.
/// </summary>
/// <remarks>
/// <para>
/// Its inputs are tensors only, and other numbers are written in the script: TorchSharp may free a number while the script reads it. The
/// script must be correct: TorchSharp ends the process at a syntax error.
/// </para>
/// <para>
/// A function of one operation gives the same bits at every call and follows the gradient mode of the caller. A function of several
/// operations may be fused from its third call on, and after a call with gradients it records a graph under <c>no_grad</c> too: use it on
/// detached tensors.
/// </para>
/// </remarks>
internal sealed class ScriptFunction
{
    /// <summary>
    /// Number of first calls in which a failure means that this libtorch cannot run the function, unless memory ran out: the first call
    /// runs operation by operation, and kernels are made in one of the next.
    /// </summary>
    private const int Trials = 4;

    private readonly string _name;
    private readonly Lazy<jit.CompilationUnit?> _unit;
    private int _calls;
    private volatile bool _fails;

    /// <param name="name">The function's name in the script.</param>
    /// <param name="script">The source of the function.</param>
    public ScriptFunction(string name, string script)
    {
        _name = name;
        _unit = new(() => Compile(script));
    }

    /// <summary>Returns the function's result, or null where this libtorch cannot run it.</summary>
    public Tensor? TryInvoke(params object[] inputs) => (Tensor?)Call(inputs);

    /// <summary>Returns the results of a function that returns several, or null where this libtorch cannot run it.</summary>
    public Tensor[]? TryInvokeMany(params object[] inputs) => Call(inputs) switch
    {
        null => null,
        Tensor[] list => list,
        ITuple tuple => [.. Enumerable.Range(0, tuple.Length).Select(i => (Tensor)tuple[i]!)],
        var one => [(Tensor)one],
    };

    /// <remarks>
    /// The first inputs decide what is compiled, so it is not tried on others beforehand: a function that has seen a tensor on the CPU is
    /// not fused on CUDA.
    /// </remarks>
    private object? Call(object[] inputs)
    {
        if (_fails || _unit.Value is not { } unit) return null;
        bool trial = _calls < Trials && Interlocked.Increment(ref _calls) <= Trials;
        try
        {
            return unit.invoke(_name, inputs);
        }
        catch (ExternalException e) when (trial && !e.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase))
        {
            _fails = true;
            return null;
        }
    }

    private static jit.CompilationUnit? Compile(string script)
    {
        try
        {
            // The parser needs a line feed after every line, the last one too.
            return jit.compile(script.ReplaceLineEndings("\n") + "\n");
        }
        catch (ExternalException)
        {
            return null;
        }
    }
}
