using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Kernels;

/// <summary>
/// One function in TorchScript, which reaches operations of libtorch that TorchSharp has no method for. It is compiled at its first call,
/// once a process; gradients flow through it, and it may be called from several threads.
/// </summary>
/// <remarks>
/// <para>
/// Its inputs are tensors alone, and other numbers stand in the script: TorchSharp may free a number that it passes on while it is read.
/// The script must be right Python: TorchSharp ends the process over a mistake in it.
/// </para>
/// <para>
/// A function of one operation has the same bits at every call and keeps to the gradient mode of the caller. One of several may be fused
/// from its third call on, and after a call with gradients it records them under <c>no_grad</c> too: those are for detached tensors.
/// </para>
/// </remarks>
internal sealed class ScriptFunction
{
    /// <summary>
    /// Calls in which a failure means that this libtorch cannot run the function, unless memory ran out: the first goes operation by
    /// operation, and kernels are made at one of the next.
    /// </summary>
    private const int Trials = 4;

    private readonly string _name;
    private readonly Lazy<jit.CompilationUnit?> _unit;
    private int _calls;
    private volatile bool _fails;

    /// <param name="name">The name behind <c>def</c>.</param>
    /// <param name="script">The source of the function.</param>
    public ScriptFunction(string name, string script)
    {
        _name = name;
        _unit = new(() => Compile(script));
    }

    /// <summary>The function's result, or null where this libtorch cannot run it.</summary>
    public Tensor? TryInvoke(params object[] inputs) => (Tensor?)Call(inputs);

    /// <summary>The results of a function that returns several, or null where this libtorch cannot run it.</summary>
    public Tensor[]? TryInvokeMany(params object[] inputs) => Call(inputs) switch
    {
        null => null,
        Tensor[] list => list,
        ITuple tuple => [.. Enumerable.Range(0, tuple.Length).Select(i => (Tensor)tuple[i]!)],
        var one => [(Tensor)one],
    };

    /// <remarks>
    /// The first inputs decide what is compiled, so no others are tried beforehand: what has seen a number on the CPU is not fused on CUDA.
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
            // The parser wants a line feed behind every line, the last one too.
            return jit.compile(script.ReplaceLineEndings("\n") + "\n");
        }
        catch (ExternalException)
        {
            return null;
        }
    }
}
