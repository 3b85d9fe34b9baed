using System.Text;

namespace TorchSharp;

public static partial class torch
{
    public static partial class jit
    {
        // Compiles functions written in TorchScript, the part of Python that libtorch runs by itself.
        public static unsafe CompilationUnit compile(string script)
        {
            if (string.IsNullOrEmpty(script))
                throw new ArgumentNullException("empty script");
            fixed (byte* text = Encoding.UTF8.GetBytes(script + '\0'))
            {
                var unit = Native.ts_jit_compile(text);
                if (unit == 0)
                    Native.Throw();
                return new CompilationUnit(unit);
            }
        }

        public class CompilationUnit : IDisposable
        {
            private IntPtr _handle;

            internal CompilationUnit(IntPtr handle) => _handle = handle;

            ~CompilationUnit() => Dispose(false);

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                var handle = Interlocked.Exchange(ref _handle, 0);
                if (handle != 0)
                    Native.ts_jit_free(handle);
            }

            // A tensor comes back as a Tensor, two to five in a tuple as a ValueTuple, a list or a longer tuple as a Tensor[].
            public unsafe object invoke(string name, params object[] objs)
            {
                if (string.IsNullOrEmpty(name))
                    throw new ArgumentNullException("method name");
                var arguments = Array.ConvertAll(objs, Argument);
                int kind;
                nint* made;
                long count;
                fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
                fixed (Native.ScalarArg* p = arguments)
                    Native.Check(Native.ts_jit_invoke(_handle, text, p, arguments.Length, &kind, &made, &count));
                GC.KeepAlive(objs);
                GC.KeepAlive(this);
                return Result(name, kind, Native.Take(made, count));
            }

            public TResult invoke<TResult>(string name, params object[] inputs) => (TResult)invoke(name, inputs);

            private static Native.ScalarArg Argument(object value) => value switch
            {
                null => default,
                Tensor tensor => new Native.ScalarArg { Bits = tensor.Handle, Kind = 4 },
                Scalar scalar => scalar.Value,
                bool truth => ((Scalar)truth).Value,
                int number => Scalar.Of((long)number),
                long number => Scalar.Of(number),
                float number => Scalar.Of((double)number),
                double number => Scalar.Of(number),
                _ => throw new NotImplementedException($"Passing arguments of type {value.GetType().Name} to TorchScript."),
            };

            private static object Result(string name, int kind, Tensor[] tensors) => (kind, tensors) switch
            {
                (1, _) => null,
                (2 or 3, [var a]) => a,
                (3, [var a, var b]) => (a, b),
                (3, [var a, var b, var c]) => (a, b, c),
                (3, [var a, var b, var c, var d]) => (a, b, c, d),
                (3, [var a, var b, var c, var d, var e]) => (a, b, c, d, e),
                (3 or 4, _) => tensors,
                _ => throw new NotImplementedException(
                    $"ScriptModule.{name}() returning something else than a tensor, a tuple of tensors, or list of tensors."),
            };
        }
    }
}
