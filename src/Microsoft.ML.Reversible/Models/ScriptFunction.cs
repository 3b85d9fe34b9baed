using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// One function in TorchScript, which reaches operations of libtorch that TorchSharp has no method for. It is compiled at its first call,
/// once a process, and tried on a small tensor; gradients flow through it, and it may be called from several threads.
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
    private readonly string _name;
    private readonly Lazy<jit.CompilationUnit?> _unit;

    /// <param name="name">The name behind <c>def</c>.</param>
    /// <param name="script">The source of the function.</param>
    /// <param name="inputCount">The number of tensors that it takes.</param>
    public ScriptFunction(string name, string script, int inputCount)
    {
        _name = name;
        _unit = new(() => CompileAndTry(script, inputCount));
    }

    /// <summary>Whether this libtorch compiles and runs the function.</summary>
    public bool IsAvailable => _unit.Value is not null;

    /// <summary>The function's result, or null where it is not available.</summary>
    public Tensor? TryInvoke(params object[] inputs) => _unit.Value?.invoke<Tensor>(_name, inputs);

    /// <summary>The results of a function that returns several, or null where it is not available.</summary>
    public Tensor[]? TryInvokeMany(params object[] inputs) => _unit.Value?.invoke(_name, inputs) switch
    {
        null => null,
        Tensor[] list => list,
        ITuple tuple => [.. Enumerable.Range(0, tuple.Length).Select(i => (Tensor)tuple[i]!)],
        var one => [(Tensor)one],
    };

    private jit.CompilationUnit? CompileAndTry(string script, int inputCount)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        try
        {
            // The parser wants a line feed behind every line, the last one too.
            jit.CompilationUnit unit = jit.compile(script.ReplaceLineEndings("\n") + "\n");
            object[] inputs = new object[inputCount];
            for (int i = 0; i < inputCount; i++) inputs[i] = ones(1);
            _ = unit.invoke(_name, inputs);
            return unit;
        }
        catch (ExternalException)
        {
            return null;
        }
    }
}
