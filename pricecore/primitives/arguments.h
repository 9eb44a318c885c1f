/* Methods that take their arguments as they come, without the parse and the references that Cython adds.
 *
 * pc_put_before() lets a C function answer for a method that Cython compiled. It takes what it can bind at once, and
 * hands every other call on to Cython's, which knows all rules and words all errors.
 */
#ifndef PRICECORE_ARGUMENTS_H
#define PRICECORE_ARGUMENTS_H

#include <Python.h>

#define PC_MOST_PARAMETERS 8

typedef PyObject *(*pc_method)(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords);

typedef struct {
    pc_method parsed;                           /* Cython's: every call that is not bound at once */
    Py_ssize_t count;
    PyObject *names[PC_MOST_PARAMETERS];        /* interned; kept for ever */
    PyObject *defaults[PC_MOST_PARAMETERS];     /* NULL: must be given */
} pc_parameters;

/* `rest` are the defaults of the last parameters. */
static inline int pc_describe(pc_parameters *parameters, PyObject *names, PyObject *rest)
{
    Py_ssize_t i, count = PyTuple_GET_SIZE(names), required = count - PyTuple_GET_SIZE(rest);
    if (count > PC_MOST_PARAMETERS || required < 0) {
        PyErr_SetString(PyExc_SystemError, "too many parameters");
        return -1;
    }
    for (i = 0; i < count; i++) {
        parameters->names[i] = Py_NewRef(PyTuple_GET_ITEM(names, i));
        PyUnicode_InternInPlace(&parameters->names[i]);
        parameters->defaults[i] = i < required ? NULL : Py_NewRef(PyTuple_GET_ITEM(rest, i - required));
    }
    parameters->count = count;
    return 0;
}

/* 0 where the interpreter or Cython keeps its methods in another way: then the method stays as it was. */
static inline int pc_put_before(PyTypeObject *type, const char *name, pc_method method, pc_parameters *parameters)
{
    PyObject *found = PyDict_GetItemString(type->tp_dict, name);
    PyMethodDef *definition;
    if (found == NULL || !Py_IS_TYPE(found, &PyMethodDescr_Type))
        return 0;
    definition = ((PyMethodDescrObject *)found)->d_method;
    if (definition->ml_flags != (METH_FASTCALL | METH_KEYWORDS))
        return 0;
    parameters->parsed = (pc_method)(void (*)(void))definition->ml_meth;
    definition->ml_meth = (PyCFunction)(void (*)(void))method;
    return 1;
}

/* Keywords of a call are interned: those that are not ours are left to Cython's parse, and so is every error. */
static inline int pc_bind(
    const pc_parameters *parameters, PyObject *const *args, Py_ssize_t count, PyObject *keywords, PyObject **bound)
{
    Py_ssize_t i, k, named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    if (count + named > parameters->count)
        return 0;
    for (i = 0; i < count; i++)
        bound[i] = args[i];
    /* Most callers name them in our order. */
    for (k = 0; k < named && parameters->names[i] == PyTuple_GET_ITEM(keywords, k); i++, k++)
        bound[i] = args[i];
    for (; i < parameters->count; i++)
        bound[i] = parameters->defaults[i];
    for (; k < named; k++) {
        PyObject *keyword = PyTuple_GET_ITEM(keywords, k);
        for (i = count; i < parameters->count && parameters->names[i] != keyword; i++)
            ;
        if (i == parameters->count)
            return 0;
        bound[i] = args[count + k];
    }
    for (i = count; i < parameters->count; i++)
        if (bound[i] == NULL)
            return 0;
    return 1;
}

#endif
