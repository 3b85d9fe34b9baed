namespace TorchSharp;

public static partial class torch
{
    // Ranges, identities and drawn integers.
    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(
        Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        new(Native.ts_arange(start.Value, stop.Value, step.Value, Options(dtype, device, requires_grad)));

    public static Tensor linspace(
        double start, double end, long steps, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        new(Native.ts_linspace(start, end, steps, Options(dtype, device, requires_grad)));

    public static Tensor eye(
        long rows, long columns = -1, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        new(Native.ts_eye(rows, columns < 0 ? rows : columns, Options(dtype, device, requires_grad)));

    public static Tensor randperm(
        long n, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null) =>
        new(Native.ts_randperm(n, Generator.HandleOf(generator), Options(dtype ?? ScalarType.Int64, device, requires_grad)));

    public static unsafe Tensor randint(
        long low, long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        Generator generator = null, string[] names = null)
    {
        var options = Options(dtype ?? ScalarType.Int64, device, requires_grad);
        fixed (long* p = size)
            return new Tensor(Native.ts_randint(low, high, p, size.Length, Generator.HandleOf(generator), options));
    }

    public static Tensor randint(
        long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        Generator generator = null, string[] names = null) =>
        randint(0, high, size, dtype, device, requires_grad, generator, names);

    public static unsafe Tensor cat(IList<Tensor> tensors, long dim = 0)
    {
        if (tensors.Count == 0)
            throw new ArgumentException("cat() needs at least one tensor.");
        var handles = Native.Handles(tensors);
        fixed (nint* p = handles)
            return Tensor.Made(Native.ts_cat(p, handles.Length, dim), tensors);
    }

    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);

    public static Tensor concatenate(IList<Tensor> tensors, long axis = 0) => cat(tensors, axis);

    public static unsafe Tensor stack(IEnumerable<Tensor> tensors, long dim = 0)
    {
        var list = tensors as IList<Tensor> ?? tensors.ToList();
        var handles = Native.Handles(list);
        fixed (nint* p = handles)
            return Tensor.Made(Native.ts_stack(p, handles.Length, dim), list);
    }

    public static unsafe Tensor einsum(string equation, params Tensor[] tensors)
    {
        var handles = Native.Handles(tensors);
        fixed (byte* text = System.Text.Encoding.UTF8.GetBytes(equation + '\0'))
        fixed (nint* p = handles)
            return Tensor.Made(Native.ts_einsum(text, p, handles.Length), tensors);
    }

    public static Tensor softmax(Tensor input, int dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

    public static Tensor[] unbind(Tensor tensor, int dim = 0) => tensor.unbind(dim);

    public static Tensor norm(Tensor input) => input.norm();

    public static class linalg
    {
        public static unsafe Tensor norm(Tensor input, long[] dims = null, bool keepdim = false)
        {
            fixed (long* p = dims)
                return Tensor.Made(Native.ts_linalg_norm(input.Handle, false, 0, p, dims?.Length ?? -1, keepdim), input);
        }

        public static unsafe Tensor norm(Tensor input, double ord, long[] dims = null, bool keepdim = false)
        {
            fixed (long* p = dims)
                return Tensor.Made(Native.ts_linalg_norm(input.Handle, true, ord, p, dims?.Length ?? -1, keepdim), input);
        }

        public static Tensor norm(Tensor input, int ord, long[] dims = null, bool keepdim = false) =>
            norm(input, (double)ord, dims, keepdim);

        public static Tensor eigvals(Tensor input) => Tensor.Made(Native.ts_eigvals(input.Handle), input);
    }
}
